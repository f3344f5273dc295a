import type { Endpoint } from '../driver/contract.js'
import { toError } from '../errors.js'
import { summarize } from '../events/event-parts.js'
import type { Runtime } from '../runtime.js'
import { attempt, bounded } from '../time/bounded.js'
import type { TimerHandle } from '../time/clock.js'
import { addressOf, EndpointAdmission } from './endpoint-admission.js'
import type { Discovery, TopologySource } from './source.js'

/** The manager as the watch of its topology sees it. */
export interface TopologyWatchHost {
  /** The endpoints in service. */
  readonly present: readonly Endpoint[]
  /** Whether there is trouble: then it is looked more often. */
  readonly urgent: boolean
  follow(discovery: Discovery): void
}

const JITTER = 0.2
/** In trouble a source is looked at again after this at the earliest, and at that pace while it lasts. */
const AGAIN_MS = 500

/** Looks at a {@link TopologySource} now and then, and in trouble. A source that fails changes nothing. */
export class TopologyWatch {
  readonly #runtime: Runtime
  readonly #source: TopologySource
  readonly #configured: readonly Endpoint[]
  readonly #host: TopologyWatchHost
  #abort: AbortController | undefined
  #timer: TimerHandle | undefined
  #dueAt = 0
  readonly #admission: EndpointAdmission
  #failing = false
  /** The refusals that were reported last. */
  #refused = ''
  #stopped = false

  constructor(
    runtime: Runtime,
    source: TopologySource,
    configured: readonly Endpoint[],
    host: TopologyWatchHost,
  ) {
    this.#source = source
    this.#configured = configured
    this.#runtime = runtime
    this.#host = host
    this.#admission = new EndpointAdmission(source, configured)
  }

  /** Resolves after the first look, whatever came of it. */
  start(): Promise<void> {
    return this.#stopped ? Promise.resolve() : this.#look()
  }

  /** Ends it for good. */
  stop(): void {
    this.#stopped = true
    this.rest()
  }

  /** Looks no more until it is started again. */
  rest(): void {
    this.#runtime.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#abort?.abort(new Error('the topology watch has been stopped'))
    this.#abort = undefined
  }

  /** Something is wrong with an endpoint; another may have taken its place. */
  hurry(): void {
    const dueAt = this.#runtime.clock.now() + AGAIN_MS
    if (this.#timer !== undefined && dueAt < this.#dueAt) this.#schedule(AGAIN_MS)
  }

  async #look(): Promise<void> {
    const { background } = this.#runtime
    const abort = new AbortController()
    this.#abort = abort
    this.#timer = undefined
    try {
      const { timeoutMs } = this.#source
      const found = await bounded(
        background,
        timeoutMs,
        attempt(() => this.#source.discover(this.#configured, abort.signal)),
        () => {
          const error = new Error(`no answer within ${timeoutMs} ms`)
          abort.abort(error)
          return error
        },
      )
      const present = new Set(this.#host.present.map(addressOf))
      const { discovery, refused } = this.#admission.admit(found, present)
      this.#refusedSome(refused)
      if (discovery.endpoints.length === 0)
        throw new Error(
          refused.length === 0 ? 'it names no endpoint' : 'it names no endpoint that is allowed',
        )
      if (discovery.problem === undefined) this.#failing = false
      else this.#failed(discovery.problem)
      if (this.#abort === abort) this.#host.follow(discovery)
    } catch (thrown) {
      if (this.#abort === abort) this.#failed(toError(thrown))
    }
    if (this.#abort !== abort) return
    const { refreshMs } = this.#source
    const paceMs = this.#host.urgent ? Math.min(AGAIN_MS, refreshMs) : refreshMs
    this.#schedule(paceMs * (1 - JITTER * this.#runtime.clock.random()))
  }

  /** Reported once for a row of failures. */
  #failed(error: Error): void {
    if (this.#failing || this.#stopped) return
    this.#failing = true
    const { events, name } = this.#runtime
    events.emit({
      type: 'topologyFailed',
      pool: name,
      source: this.#source.name,
      error: summarize(error),
    })
  }

  /** Reported when something else is refused than the last time. */
  #refusedSome(refused: readonly string[]): void {
    const text = refused.join('; ')
    if (text === this.#refused || this.#stopped) return
    this.#refused = text
    if (text === '') return
    const { events, name } = this.#runtime
    events.emit({
      type: 'topologyFailed',
      pool: name,
      source: this.#source.name,
      error: summarize(new Error(`it names servers that are refused: ${text}`)),
      refused,
    })
  }

  #schedule(delayMs: number): void {
    const { clock } = this.#runtime
    clock.clearTimeout(this.#timer)
    this.#dueAt = clock.now() + delayMs
    this.#timer = clock.setTimeout(() => void this.#look(), delayMs)
  }
}
