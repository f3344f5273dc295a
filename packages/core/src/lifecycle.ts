import type { Assembly } from './assembly.js'
import { outside } from './flow/outside.js'
import { Pending } from './flow/pending.js'
import { Drain } from './pool/drain.js'
import { holdProcess } from './process/hold-process.js'

/** Reactions of promises between two acquires of one request. */
const TURNS = 8

/** What a database's package ends when its manager is closed. */
export interface Endings {
  /** Ends what is under way; it is waited for. */
  readonly finish: () => Promise<void>
  /** Ends what callers need, when no caller is served any more. */
  readonly cleanUp: () => void
}

/** Starts the parts of a manager, and ends them: first it serves all callers that have come, and then it takes no more. */
export class Lifecycle<C extends object> {
  /** Counts what is under way and shows in no pool. */
  readonly pending = new Pending(() => void this.lookWhetherDrained())
  readonly #parts: Assembly<C>
  readonly #drain: Drain
  /** From the first call of `close`, so that what hears of anything that is closed finds it so. A field, as each acquire reads it. */
  closed = false
  #started: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Nothing is decided any more. */
  #quiet = false

  constructor(parts: Assembly<C>) {
    this.#parts = parts
    this.#drain = new Drain(parts.runtime)
  }

  /** True once no caller is served any more. */
  get over(): boolean {
    return this.#drain.over
  }

  /** A caller wants a connection. */
  begin(): void {
    if (this.closed) return
    if (this.#started === undefined) void this.start()
    const { monitoring, startUp } = this.#parts
    if (!startUp.over) startUp.begin()
    if (monitoring.resting) outside(() => void monitoring.wake())
  }

  /** Starts once the manager is made as a whole. */
  async startSoon(): Promise<void> {
    await undefined
    if (!this.closed) await this.start()
  }

  /** Resolves when every endpoint has been seen once. */
  start(): Promise<void> {
    this.#started ??= outside(() => {
      if (!this.closed) this.#parts.siblings?.join()
      return this.#start()
    })
    return this.#started
  }

  /** `work` that a caller awaits, which keeps the process running. */
  awaited<T>(work: Promise<T>): Promise<T> {
    return holdProcess(this.#parts.runtime.clock, work)
  }

  /** Closes everything, within the deadline. A second call returns the same promise. */
  close(drainTimeoutMs: number, extra: Endings): Promise<void> {
    this.closed = true
    this.#parts.siblings?.leave()
    this.#closing ??= this.awaited(this.#close(drainTimeoutMs, extra))
    return this.#closing
  }

  /** Something that was under way has ended. */
  async lookWhetherDrained(): Promise<void> {
    if (!this.#drain.begun || !this.#drained()) return
    // A caller that has just given a connection back may go on with another at once.
    for (let turn = 0; turn < TURNS; turn += 1) await undefined
    if (this.#drained()) this.#drain.done()
  }

  async #start(): Promise<void> {
    if (this.#quiet) return
    const { endpoints, fixed, maintainer, monitoring, options, sharedStall, topology, watchdog } =
      this.#parts
    // After a stop of the whole process it is unknown which sockets have survived.
    sharedStall.start(() => {
      for (const { pool } of endpoints) pool.suspectAll()
    })
    maintainer.start()
    watchdog.start()
    if (fixed) for (const { pool } of endpoints) pool.maintain()
    if (!options.healthMonitoring && fixed) return
    await topology?.start()
    await monitoring.startFirst()
  }

  async #close(drainTimeoutMs: number, { cleanUp, finish }: Endings): Promise<void> {
    const { runtime, set } = this.#parts
    const begunAt = runtime.clock.now()
    await Promise.all([finish(), this.#windDown(drainTimeoutMs)])
    this.#quiesce(drainTimeoutMs)
    cleanUp()
    await set.close(Math.max(0, drainTimeoutMs - (runtime.clock.now() - begunAt)))
    await this.#started
    this.#stop()
  }

  /**
   * Serves those who have come, and closes whatever they leave, until nothing is under way or the time has passed. All goes
   * on meanwhile: should the writer be lost, another serves them.
   */
  async #windDown(timeoutMs: number): Promise<void> {
    const { endpoints, runtime, topology } = this.#parts
    this.#drain.windDown()
    topology?.stop()
    runtime.events.turn(() => {
      for (const { pool } of endpoints) pool.windDown()
    })
    if (this.#drained()) return
    const stops = runtime.events.on('acquireFailed', () => void this.lookWhetherDrained())
    await this.#drain.wait(timeoutMs, () => {})
    stops()
  }

  #drained(): boolean {
    const { endpoints, router } = this.#parts
    return router.waiting === 0 && this.pending.none && endpoints.every(({ pool }) => pool.isEmpty)
  }

  /** Stops deciding anything for good, and takes no more callers. */
  #quiesce(drainTimeoutMs: number): void {
    const { cluster, monitoring, router, startUp, topology } = this.#parts
    this.#quiet = true
    this.#drain.over = true
    monitoring.end()
    topology?.stop()
    cluster.stop()
    startUp.end()
    router.close(drainTimeoutMs)
  }

  #stop(): void {
    const { maintainer, sharedStall, watchdog } = this.#parts
    maintainer.stop()
    watchdog.stop()
    sharedStall.stop()
  }
}
