import type { Assembly } from './assembly.js'
import { Pending } from './flow/pending.js'
import { Drain } from './pool/drain.js'

/** Reactions of promises between two acquires of one request. */
const TURNS = 8

/** Starts the parts of a manager, and ends them: first it serves all who have come, and then it lets nobody in. */
export class Lifecycle<C extends object> {
  /** Counts what is under way and shows in no pool. */
  readonly pending = new Pending(() => void this.lookWhetherDrained())
  readonly #parts: Assembly<C>
  readonly #drain: Drain
  /** Nothing is decided any more. */
  #quiet = false

  constructor(parts: Assembly<C>) {
    this.#parts = parts
    this.#drain = new Drain(parts.runtime)
  }

  /** True once nobody is served any more. */
  get over(): boolean {
    return this.#drain.over
  }

  /** Resolves when every endpoint has been seen once. */
  async start(): Promise<void> {
    if (this.#quiet) return
    const { endpoints, fixed, maintainer, monitoring, options, sharedStall, topology, watchdog } =
      this.#parts
    // After a stop of the whole process nobody knows which sockets have survived.
    sharedStall.start(() => {
      for (const { pool } of endpoints) pool.suspectAll()
    })
    maintainer.start()
    watchdog.start()
    if (fixed) for (const { pool } of endpoints) pool.maintain()
    if (!options.healthMonitoring && fixed) return
    await topology?.start()
    await monitoring.start()
  }

  /**
   * Serves those who have come, and closes whatever they leave, until nothing is under way or the time has passed. All goes
   * on meanwhile: should the writer be lost, another serves them.
   */
  async windDown(timeoutMs: number): Promise<void> {
    const { endpoints, runtime, topology } = this.#parts
    this.#drain.windDown()
    topology?.stop()
    runtime.events.turn(() => {
      for (const { pool } of endpoints) pool.windDown()
    })
    if (this.#drained) return
    const stops = runtime.events.on('acquireFailed', () => void this.lookWhetherDrained())
    await this.#drain.wait(timeoutMs, () => {})
    stops()
  }

  /** Something that was under way has ended. */
  async lookWhetherDrained(): Promise<void> {
    if (!this.#drain.begun || !this.#drained) return
    // Whoever has just given a connection back may go on with another at once.
    for (let turn = 0; turn < TURNS; turn += 1) await undefined
    if (this.#drained) this.#drain.done()
  }

  get #drained(): boolean {
    const { endpoints, router } = this.#parts
    return router.waiting === 0 && this.pending.none && endpoints.every(({ pool }) => pool.isEmpty)
  }

  /** Stops deciding anything for good, and lets nobody in any more. `stop` follows, once all is closed. */
  quiesce(drainTimeoutMs: number): void {
    const { cluster, monitoring, router, startUp, topology } = this.#parts
    this.#quiet = true
    this.#drain.over = true
    monitoring.end()
    topology?.stop()
    cluster.stop()
    startUp.end()
    router.close(drainTimeoutMs)
  }

  stop(): void {
    const { maintainer, sharedStall, watchdog } = this.#parts
    maintainer.stop()
    watchdog.stop()
    sharedStall.stop()
  }
}
