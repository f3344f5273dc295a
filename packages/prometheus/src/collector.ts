import { onManagerCreated } from '@connmgr/core/driver'
import {
  listManagers,
  type MeasuredManager,
  type MeasuredManagers,
  readHistograms,
  readState,
  recordEvents,
  recordOperations,
  SeriesAttributes,
} from '@connmgr/metrics'
import { Samples } from './samples.js'
import { Tally } from './tally.js'

interface Watched {
  readonly attributes: SeriesAttributes
  readonly tally: Tally
  readonly stop: () => void
}

/** Watches managers for as long as they are open, and takes samples of all of them. */
export class Collector {
  readonly #list: () => readonly MeasuredManager[]
  readonly #operationDuration: boolean
  readonly #watched = new Map<MeasuredManager, Watched>()
  readonly #unsubscribe: () => void
  #shared: Samples | undefined
  #stopped = false

  /** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
  constructor(managers: MeasuredManagers | undefined, operationDuration: boolean) {
    this.#list = listManagers(managers)
    this.#operationDuration = operationDuration
    this.#update()
    this.#unsubscribe = onManagerCreated(() => this.#tryToUpdate())
  }

  /** Samples of all managers as they are now. */
  take(): Samples {
    this.#update()
    const samples = new Samples()
    for (const [manager, { attributes, tally }] of this.#watched) {
      readState(manager, attributes, (metric, series, value) => samples.add(metric, series, value))
      readHistograms(manager, attributes, (metric, series, state) =>
        samples.addHistogram(metric, series, state),
      )
      tally.eachCounter((metric, series, value) => samples.add(metric, series, value))
      tally.eachHistogram((metric, series, state) => samples.addHistogram(metric, series, state))
    }
    return samples
  }

  /** The same for all that ask in one turn: a registry asks for each family, and the families of a scrape must agree. */
  share(): Samples {
    if (this.#shared === undefined) {
      this.#shared = this.take()
      queueMicrotask(() => {
        this.#shared = undefined
      })
    }
    return this.#shared
  }

  /** Stops watching. From then on there is nothing to report. */
  stop(): void {
    this.#stopped = true
    this.#unsubscribe()
    for (const { stop } of this.#watched.values()) stop()
    this.#watched.clear()
  }

  #update(): void {
    if (this.#stopped) return
    const present = new Set(this.#list().filter((manager) => !manager.closed))
    for (const [manager, { stop }] of this.#watched) {
      if (present.has(manager)) continue
      stop()
      this.#watched.delete(manager)
    }
    for (const manager of present) if (!this.#watched.has(manager)) this.#watch(manager)
  }

  /** Outside of a scrape a list that fails cannot be reported. The next scrape reports it. */
  #tryToUpdate(): void {
    try {
      this.#update()
    } catch {}
  }

  #watch(manager: MeasuredManager): void {
    const attributes = new SeriesAttributes(manager)
    const tally = new Tally()
    const stops = [recordEvents(manager, attributes, tally, false)]
    if (this.#operationDuration) stops.push(recordOperations(manager, attributes, tally))
    const stop = () => {
      for (const each of stops) each()
    }
    this.#watched.set(manager, { attributes, tally, stop })
  }
}
