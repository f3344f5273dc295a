import {
  type ConnectionManager,
  type ConnmgrEvent,
  type ConnmgrEventType,
  redactText,
} from '@connmgr/core'
import { describeEvent, systemClock } from '@connmgr/core/driver'
import type { TimelineEntry } from './view.js'

/** Events that the page keeps of each manager. */
const MOST = 200

/** What a person who looks for the cause of an outage wants to see; the rest is counted elsewhere. */
const SHOWN: ReadonlySet<ConnmgrEventType> = new Set<ConnmgrEventType>([
  'clusterStateChanged',
  'connectionFailed',
  'endpointStateChanged',
  'failbackCompleted',
  'failoverCompleted',
  'failoverFailed',
  'failoverStarted',
  'healthRecovered',
  'leakDetected',
  'leakResolved',
  'leaseMisused',
  'loginsFailed',
  'loginsRecovered',
  'operatorActed',
  'poolCleared',
  'poolResized',
  'queryTimedOut',
  'rightsMissing',
  'roleChanged',
  'standbyCaughtUp',
  'standbyFellBehind',
  'startDelayed',
  'switchoverCompleted',
  'topologyChanged',
  'topologyFailed',
])

/** Keeps what has happened to one manager since the page was mounted, and what its failover record has from before. */
export class Timeline {
  readonly #entries: TimelineEntry[] = []
  readonly #stop: () => void

  constructor(manager: ConnectionManager<object>) {
    for (const { at, event } of manager.getFailoverStatus().history) this.#add(event, at)
    this.#stop = manager.onAny((event) => {
      if (SHOWN.has(event.type)) this.#add(event, new Date(systemClock.wallTime()))
    })
  }

  /** The latest first. */
  get entries(): readonly TimelineEntry[] {
    return [...this.#entries].reverse()
  }

  stop(): void {
    this.#stop()
  }

  #add(event: ConnmgrEvent, at: Date): void {
    const { level, message } = describeEvent(event)
    this.#entries.push({
      at: at.toISOString(),
      type: event.type,
      level: level === 'debug' ? 'info' : level,
      text: redactText(message),
    })
    if (this.#entries.length > MOST) this.#entries.shift()
  }
}
