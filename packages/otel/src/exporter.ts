import { onManagerCreated } from '@connmgr/core/driver'
import {
  type MeasuredManager,
  readDemandTime,
  readState,
  recordEvents,
  recordOperations,
  SeriesAttributes,
  type StateSink,
} from '@connmgr/metrics'
import {
  type BatchObservableCallback,
  diag,
  type Meter,
  type MeterProvider,
  type Tracer,
} from '@opentelemetry/api'
import { Instruments } from './instruments.js'
import { type Contribution, SeriesBook } from './series-book.js'
import { ManagerSpans, type TracedManager } from './spans/manager-spans.js'

/** Managers to show. */
export interface Source {
  /** Lists those there are now. */
  readonly list: () => readonly MeasuredManager[]
  /** Whether each statement is measured. */
  readonly operations: boolean
  /** Makes spans of what they do; undefined for none. */
  readonly tracer: Tracer | undefined
}

interface Watched {
  readonly attributes: SeriesAttributes
  readonly stop: () => void
  stopOperations: (() => void) | undefined
  /** What ends the spans, by the tracer that makes them. */
  readonly spans: Map<Tracer, () => void>
  contribution: Contribution
}

/** By which telemetry tells what it comes from. */
export const INSTRUMENTATION_NAME = '@connmgr/otel'

const exporters = new WeakMap<MeterProvider, Exporter>()

/** The one exporter of a provider: a manager that is instrumented twice is still shown once. */
export function exporterOf(provider: MeterProvider): Exporter {
  let exporter = exporters.get(provider)
  if (exporter === undefined) {
    exporter = new Exporter(provider.getMeter(INSTRUMENTATION_NAME))
    exporters.set(provider, exporter)
  }
  return exporter
}

/** Shows managers through the instruments of one meter. */
export class Exporter {
  readonly #meter: Meter
  readonly #instruments: Instruments
  readonly #book = new SeriesBook()
  readonly #sources = new Set<Source>()
  readonly #watched = new Map<MeasuredManager, Watched>()
  /** What managers had counted that are no longer shown. */
  readonly #left = new WeakMap<MeasuredManager, Contribution>()
  /** Ends observing, while there is something to observe. */
  #endObserving: (() => void) | undefined
  readonly #observe: BatchObservableCallback = (result) => {
    this.#update()
    for (const [manager, watched] of this.#watched) this.#read(manager, watched)
    this.#endClosed()
    const contributions = [...this.#watched.values()].map((each) => each.contribution)
    for (const { attributes, metric, value } of this.#book.sum(contributions)) {
      const observable = this.#instruments.observables.get(metric)
      if (observable !== undefined) result.observe(observable, value, attributes)
    }
    // Not now: the SDK is going through its callbacks.
    if (this.#isIdle()) queueMicrotask(() => this.#rest())
  }

  constructor(meter: Meter) {
    this.#meter = meter
    this.#instruments = new Instruments(meter)
  }

  /** Shows the managers of a source from now on. Returns the function that ends it. */
  add(source: Source): () => void {
    this.#sources.add(source)
    this.#update()
    this.#endObserving ??= this.#beginObserving()
    return () => {
      this.#sources.delete(source)
      this.#update()
    }
  }

  #isIdle(): boolean {
    return this.#sources.size === 0 && this.#watched.size === 0
  }

  /** Takes up managers that are new, and leaves those that no source lists any more. */
  #update(): void {
    const listed = new Set<MeasuredManager>()
    const measured = new Set<MeasuredManager>()
    const tracers = new Map<MeasuredManager, Set<Tracer>>()
    for (const source of this.#sources)
      for (const manager of managersOf(source)) {
        listed.add(manager)
        if (source.operations) measured.add(manager)
        if (source.tracer !== undefined) {
          const known = tracers.get(manager) ?? new Set()
          tracers.set(manager, known.add(source.tracer))
        }
      }
    for (const [manager, watched] of this.#watched) {
      // One that closes is often no longer listed, and is shown until its connections are closed.
      if (listed.has(manager) || (manager.closed && this.#sources.size > 0)) continue
      this.#leave(manager, watched)
    }
    for (const manager of listed)
      if (!manager.closed && !this.#watched.has(manager)) this.#watch(manager)
    for (const [manager, watched] of this.#watched) {
      if (!listed.has(manager)) continue
      this.#measureOperations(manager, watched, measured.has(manager))
      traceManager(manager as TracedManager, watched, tracers.get(manager) ?? new Set())
    }
  }

  #watch(manager: MeasuredManager): void {
    const attributes = new SeriesAttributes(manager)
    const stop = recordEvents(manager, attributes, this.#instruments)
    this.#watched.set(manager, {
      attributes,
      stop,
      stopOperations: undefined,
      spans: new Map(),
      contribution: new Map(),
    })
    const before = this.#left.get(manager)
    if (before !== undefined) this.#book.unkeep(before)
    this.#left.delete(manager)
  }

  #measureOperations(manager: MeasuredManager, watched: Watched, wanted: boolean): void {
    if (wanted)
      watched.stopOperations ??= recordOperations(manager, watched.attributes, this.#instruments)
    else {
      watched.stopOperations?.()
      watched.stopOperations = undefined
    }
  }

  #read(manager: MeasuredManager, watched: Watched): void {
    const contribution: Contribution = new Map()
    const note: StateSink = (metric, attributes, value) =>
      this.#book.note(contribution, metric, attributes, value)
    readState(manager, watched.attributes, note)
    readDemandTime(manager, watched.attributes, note)
    watched.contribution = contribution
  }

  /** Leaves the managers that have closed everything. Their counters have been read for the last time. */
  #endClosed(): void {
    for (const [manager, watched] of this.#watched)
      if (manager.closed && hasClosedAll(manager)) this.#leave(manager, watched)
  }

  #leave(manager: MeasuredManager, watched: Watched): void {
    watched.stop()
    watched.stopOperations?.()
    for (const stop of watched.spans.values()) stop()
    this.#book.keep(watched.contribution)
    this.#left.set(manager, watched.contribution)
    this.#watched.delete(manager)
  }

  #beginObserving(): () => void {
    const observables = [...this.#instruments.observables.values()]
    this.#meter.addBatchObservableCallback(this.#observe, observables)
    const unsubscribe = onManagerCreated(() => this.#update())
    return () => {
      unsubscribe()
      this.#meter.removeBatchObservableCallback(this.#observe, observables)
    }
  }

  #rest(): void {
    if (!this.#isIdle()) return
    this.#endObserving?.()
    this.#endObserving = undefined
  }
}

/** Begins and ends to make spans, so that just these tracers make them. */
function traceManager(
  manager: TracedManager,
  { attributes, spans }: Watched,
  wanted: ReadonlySet<Tracer>,
): void {
  for (const [tracer, stop] of spans) {
    if (wanted.has(tracer)) continue
    stop()
    spans.delete(tracer)
  }
  for (const tracer of wanted)
    if (!spans.has(tracer))
      spans.set(tracer, new ManagerSpans(manager, attributes, tracer).listen())
}

/** A function of the user that throws must not hide the managers of others. */
function managersOf(source: Source): readonly MeasuredManager[] {
  try {
    return source.list()
  } catch (error) {
    diag.error('connmgr: the managers to instrument cannot be listed', error)
    return []
  }
}

function hasClosedAll(manager: MeasuredManager): boolean {
  const { checkedIn, checkedOut, connecting, waiting } = manager.getPoolMetrics()
  return checkedIn + checkedOut + connecting + waiting === 0
}
