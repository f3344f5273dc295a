import type { Endpoint, Role } from '@connmgr/core'
import type {
  ConnectionActivity,
  ConnectionCondition,
  ConnectionSignal,
  FailureKind,
  StatementTrace,
  StatementTracer,
} from '@connmgr/core/driver'
import { nextTransactionId, tracedConnection } from '@connmgr/core/driver'
import type { FakeDriver } from './fake-driver.js'
import { FakeError } from './outcome.js'

const WRITE = /^\s*(insert|update|delete|create)\b/i

/** A connection of the {@link FakeDriver}: what its server knows of it, and what a test does to it. */
export class FakeConnection {
  readonly id: number
  readonly endpoint: Endpoint
  readonly activity: ConnectionActivity & { received: number; running: unknown } = {
    queryCount: 0,
    lastQuery: undefined,
    received: 0,
    running: undefined,
  }
  /** Settings made by `set`; both reset policies clear them. */
  readonly session = new Map<string, string>()
  /** The role that the server reported last. */
  role: Role = 'unknown'
  /** Whether it keeps the process running while it is open. */
  holdsProcess = true
  /** How it ended: said goodbye, was cut off by us, or was cut off by the other side. */
  ended: 'closed' | 'destroyed' | 'lost' | undefined
  /** Why it ended. */
  endError: Error | undefined
  /** Rejects when the connection ends, so that no call on it outlives it. */
  readonly gone: Promise<never>
  /** Set while in a transaction that was begun as read-only. */
  readOnly = false
  /** Rows inserted by the open transaction. */
  #uncommittedRows = 0
  #condition: ConnectionCondition = 'clean'
  #queriesInFlight = 0
  /** The number of the open transaction, for subscribers. */
  #transaction: number | undefined
  #latestEnd: 'commit' | 'rollback' | undefined
  #waitingForIdle: (() => void)[] = []
  #rejectGone!: (error: Error) => void
  readonly #driver: FakeDriver
  readonly #onSignal: (signal: ConnectionSignal) => void
  readonly #queries: StatementTracer | undefined

  /** @internal made by `FakeDriver.connect` */
  constructor(
    id: number,
    endpoint: Endpoint,
    driver: FakeDriver,
    onSignal: (signal: ConnectionSignal) => void,
    queries?: StatementTracer,
  ) {
    this.id = id
    this.endpoint = endpoint
    this.#driver = driver
    this.#onSignal = onSignal
    this.#queries = queries
    this.gone = new Promise<never>((_resolve, reject) => {
      this.#rejectGone = reject
    })
    this.gone.catch(() => {})
  }

  get open(): boolean {
    return this.ended === undefined
  }

  /** What `Driver.inspect` says. A test may set it; statements move it as they would on a server. */
  get condition(): ConnectionCondition {
    if (!this.open) return 'broken'
    return this.#queriesInFlight > 0 ? 'busy' : this.#condition
  }

  set condition(condition: ConnectionCondition) {
    this.#condition = condition
    if (condition !== 'busy') this.#noteIdle()
  }

  /**
   * Runs a statement, with the outcome that the driver's script has for `query`. `begin`, `commit` and `rollback`
   * move the condition, `set x to y` fills `session`, `insert` adds to the server's `rows`. A server that is not
   * writable, or a read-only transaction, refuses `insert`, `update`, `delete` and `create`.
   */
  query(text: string): Promise<void> {
    return this.traced(text, () => this.#run(text))
  }

  /** @internal Runs what a borrower has sent, published to who subscribes to statements. */
  traced(text: string, run: () => Promise<void>): Promise<void> {
    if (this.#queries?.active !== true) return run()
    const trace = this.#queries.begin(text)
    trace.on(tracedConnection(this.activity, this.id))
    return trace.run(() => this.#follow(trace, run))
  }

  async #follow(trace: StatementTrace, run: () => Promise<void>): Promise<void> {
    const before = this.#transaction
    trace.sent()
    try {
      await run()
      trace.inTransaction(this.#traceTransaction(before))
      trace.succeeded(undefined)
    } catch (error) {
      if (before !== undefined) trace.inTransaction({ id: before })
      trace.failed(error)
      throw error
    }
  }

  #traceTransaction(before: number | undefined) {
    const now = this.#transaction
    if (before === undefined)
      return now === undefined ? undefined : ({ id: now, boundary: 'begin' } as const)
    return { id: before, boundary: now === undefined ? this.#latestEnd : undefined }
  }

  async #run(text: string): Promise<void> {
    this.activity.queryCount += 1
    this.activity.lastQuery = text
    this.#queriesInFlight += 1
    this.activity.running = {}
    try {
      await this.#driver.run('query', this, text)
      this.activity.received += 1
      const { writable } = this.#driver.server(this.endpoint)
      if (WRITE.test(text) && (this.readOnly || !writable)) {
        throw new FakeError('read-only', `${this.endpoint.id} refuses writes`)
      }
      this.#apply(text)
    } finally {
      this.#queriesInFlight -= 1
      if (this.#queriesInFlight === 0) this.activity.running = undefined
      this.#noteIdle()
    }
  }

  /** The server, or the network, cuts the connection off. */
  lose(error: Error = new FakeError('lost', `connection ${this.id} was lost`)): void {
    if (!this.open) return
    this.end('lost', error)
    this.#onSignal({ kind: 'lost', error })
  }

  /** The driver notices something on the connection, outside any call. */
  signal(kind: FailureKind, error: Error = new FakeError(kind)): void {
    this.#onSignal({ kind, error })
  }

  /** @internal */
  end(how: 'closed' | 'destroyed' | 'lost', error: Error): void {
    if (!this.open) return
    this.ended = how
    this.endError = error
    this.#driver.noteEnd(this)
    this.#rejectGone(error)
    this.#noteIdle()
  }

  /** @internal Resolves once no statement is under way. */
  async idle(): Promise<void> {
    if (this.condition !== 'busy') return
    await new Promise<void>((resolve) => this.#waitingForIdle.push(resolve))
  }

  /** @internal */
  begin(readOnly: boolean): void {
    this.condition = 'transaction'
    this.readOnly = readOnly
    this.#transaction = nextTransactionId()
  }

  /** @internal */
  finish(outcome: 'commit' | 'rollback'): void {
    if (outcome === 'commit') this.#driver.server(this.endpoint).rows += this.#uncommittedRows
    this.#uncommittedRows = 0
    this.#transaction = undefined
    this.#latestEnd = outcome
    this.readOnly = false
    this.condition = 'clean'
  }

  #apply(text: string): void {
    const word = /^\s*(\w+)/.exec(text)?.[1]?.toLowerCase()
    if (word === 'begin') this.begin(false)
    else if (word === 'commit' || word === 'rollback') this.finish(word)
    else if (word === 'insert') {
      this.#uncommittedRows += 1
      if (this.#condition !== 'transaction') this.finish('commit')
    }
    const setting = /^\s*set\s+(\S+)\s*(?:=|to)\s*(.+)$/i.exec(text)
    if (setting) this.session.set(setting[1] as string, setting[2] as string)
  }

  #noteIdle(): void {
    if (this.condition === 'busy') return
    const waiting = this.#waitingForIdle
    this.#waitingForIdle = []
    for (const resolve of waiting) resolve()
  }
}
