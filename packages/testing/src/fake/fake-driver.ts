import type { Clock, Endpoint, Role, TransactionOptions } from '@connmgr/core'
import {
  type Activity,
  type ConnectContext,
  type ConnectionCondition,
  type Driver,
  type FailureKind,
  type Place,
  type Probe,
  type ProbeResult,
  type ProbeScope,
  type Replication,
  type Sessions,
  systemClock,
  type Transactions,
  type WritePlace,
} from '@connmgr/core/driver'
import { CallLog } from './call-log.js'
import { FakeConnection } from './fake-connection.js'
import { reach, receivedAtLogin } from './fake-login.js'
import { coversPosition, orderHistories } from './fake-positions.js'
import { FakeProbe } from './fake-probe.js'
import { FakeServer } from './fake-server.js'
import { FakeError, play } from './outcome.js'
import { type FakeBehaviour, type FakeCall, type FakeMethod, Script } from './script.js'

/**
 * A driver without a database. Every call succeeds until a test says otherwise: for the next calls with `next`, for
 * all with `always`, or by what the server at an endpoint does (`server(endpoint).crash()`).
 *
 * @example
 * const driver = new FakeDriver({ clock })
 * driver.next('connect', { fail: 'unreachable' }, { afterMs: 50 })
 * driver.always('validate', 'hang')
 * driver.server('b').role = 'standby'
 */
export class FakeDriver implements Driver<FakeConnection> {
  readonly name = 'fake'
  /** Every call, in order. */
  readonly calls: FakeCall[]
  /** Every connection there ever was, in order. */
  readonly connections: FakeConnection[] = []
  readonly #clock: Clock
  readonly #firstRole: Role
  readonly #shareProbes: boolean
  readonly #servers = new Map<string, FakeServer>()
  readonly #script = new Script()
  readonly #log: CallLog
  #connecting = 0
  #openCount = 0
  #mostOpen = 0

  /**
   * @param options.clock what `afterMs` goes by. `@default` the process's own
   * @param options.shareProbes whether managers over this driver probe a server together. `@default` false
   * @param options.role the role of every server at first. `@default` 'primary'
   */
  constructor(options: { clock?: Clock; role?: Role; shareProbes?: boolean } = {}) {
    this.#shareProbes = options.shareProbes ?? false
    this.#clock = options.clock ?? systemClock
    this.#firstRole = options.role ?? 'primary'
    this.#log = new CallLog(this.#clock, this.#script)
    this.calls = this.#log.calls
  }

  // -- for tests ---------------------------------------------------------------------------------------------------

  /** Scripts the next calls of a method, one each; after them `always` holds again. */
  next(method: FakeMethod, ...behaviours: FakeBehaviour[]): this {
    this.#script.next(method, behaviours)
    return this
  }

  /** Scripts every call of a method that `next` says nothing about. */
  always(method: FakeMethod, behaviour: FakeBehaviour): this {
    this.#script.always(method, behaviour)
    return this
  }

  /** The server at an endpoint. */
  server(endpoint: Endpoint | string): FakeServer {
    const id = typeof endpoint === 'string' ? endpoint : endpoint.id
    let server = this.#servers.get(id)
    if (server === undefined) {
      server = new FakeServer(id, this.#firstRole)
      this.#servers.set(id, server)
    }
    return server
  }

  /** Connections that are open now. */
  get open(): FakeConnection[] {
    return this.connections.filter(({ open }) => open)
  }

  /** Attempts to connect that are under way. */
  get connecting(): number {
    return this.#connecting
  }

  /** The most connections that were ever open, or being opened, at once. */
  get mostOpen(): number {
    return this.#mostOpen
  }

  /** How often a method was called. */
  count(method: FakeCall['method']): number {
    return this.#log.of(method).length
  }

  callsOf(method: FakeCall['method']): FakeCall[] {
    return this.#log.of(method)
  }

  // -- the contract ------------------------------------------------------------------------------------------------

  readonly transactions: Transactions<FakeConnection> = {
    // transaction_resolution_unknown, of the SQL standard.
    unknownOutcomeCode: '08007',
    begin: (...given) => this.begin(...given),
    commit: (...given) => this.commit(...given),
    rollback: (...given) => this.rollback(...given),
  }

  readonly session: Sessions<FakeConnection> = {
    baseline: () => {},
    altered: () => false,
    reset: (...given) => this.reset(...given),
    fence: (connection) => connection,
  }

  readonly replication: Replication<FakeConnection> = {
    openProbe: (...given) => this.openProbe(...given),
    ask: (connection) => this.ask(connection),
    role: (connection) => connection.role,
    probeScope: (endpoint) => this.probeScope(endpoint),
    isOfDatabase: (error) => this.isOfDatabase(error),
    order: orderHistories,
    covers: coversPosition,
    writePlace: (connection) => this.writePlace(connection),
    readPlace: (connection) => this.readPlace(connection),
  }

  readonly activity: Activity<FakeConnection> = {
    of: (connection) => connection.activity,
    settle: (connection) => this.settle(connection),
    whyBroken: (connection) => connection.endError,
    holdProcess: (connection, hold) => {
      connection.holdsProcess = hold
    },
  }

  connect(
    endpoint: Endpoint,
    { signal, onSignal, queries, watch }: ConnectContext,
  ): Promise<FakeConnection> {
    const server = this.server(endpoint)
    const scripted = this.#log.record('connect', endpoint, undefined)
    watch?.(receivedAtLogin(server, scripted, this.#clock))
    if (signal.aborted) return Promise.reject(signal.reason)
    this.#connecting += 1
    this.#mostOpen = Math.max(this.#mostOpen, this.#openCount + this.#connecting)
    try {
      return play(scripted, this.#clock, { signal })
        .then(() =>
          reach(server, this.#clock, signal, () => this.#open(endpoint, onSignal, queries)),
        )
        .finally(() => {
          this.#connecting -= 1
        })
    } catch (error) {
      this.#connecting -= 1
      throw error
    }
  }

  validate(connection: FakeConnection): Promise<void> {
    return this.run('validate', connection)
  }

  ask(connection: FakeConnection): Promise<ProbeResult> {
    return this.run('ask', connection).then(() => this.server(connection.endpoint).answer)
  }

  inspect(connection: FakeConnection): ConnectionCondition {
    return connection.condition
  }

  settle(connection: FakeConnection): Promise<void> {
    const outcome = this.#log.record('settle', connection.endpoint, connection)
    return play(outcome, this.#clock, { gone: connection.gone }).then(() => connection.idle())
  }

  reset(connection: FakeConnection, policy: 'reset-all' | 'discard-all'): Promise<undefined> {
    return this.run('reset', connection, policy).then(() => {
      if (policy === 'discard-all' && connection.condition === 'transaction') {
        throw new FakeError('statement', 'DISCARD ALL cannot run inside a transaction block')
      }
      connection.session.clear()
      return undefined
    })
  }

  begin(connection: FakeConnection, options: TransactionOptions): Promise<void> {
    return connection.traced('begin', () =>
      this.run('begin', connection, options).then(() =>
        connection.begin(options.readOnly ?? false),
      ),
    )
  }

  commit(connection: FakeConnection): Promise<void> {
    return connection.traced('commit', () =>
      this.run('commit', connection).then(() => connection.finish('commit')),
    )
  }

  rollback(connection: FakeConnection): Promise<void> {
    const rollback = (): Promise<void> =>
      this.run('rollback', connection).then(() => connection.finish('rollback'))
    // What the pool ends after a lease is no statement of its borrower.
    return connection.activity.lease?.active === false
      ? rollback()
      : connection.traced('rollback', rollback)
  }

  writePlace(connection: FakeConnection): Promise<WritePlace> {
    return this.run('writePlace', connection).then(() => {
      const server = this.server(connection.endpoint)
      if (!server.writable || server.position === undefined)
        throw new FakeError('statement', `${connection.endpoint.id} is in recovery`)
      return { cluster: server.cluster, ...server.place }
    })
  }

  readPlace(connection: FakeConnection): Promise<Place | undefined> {
    return this.run('readPlace', connection).then(() => {
      const { place, position, role } = this.server(connection.endpoint)
      return role === 'standby' && position !== undefined ? place : undefined
    })
  }

  close(connection: FakeConnection): Promise<void> {
    const outcome = this.#log.record('close', connection.endpoint, connection)
    if (!connection.open) return Promise.resolve()
    return play(outcome, this.#clock, { gone: connection.gone })
      .then(() =>
        play(this.server(connection.endpoint).callOutcome, this.#clock, { gone: connection.gone }),
      )
      .then(() =>
        connection.end('closed', new FakeError('lost', `connection ${connection.id} is closed`)),
      )
  }

  destroy(connection: FakeConnection, reason?: Error): void {
    this.#log.note('destroy', connection.endpoint, connection, reason)
    const error = new FakeError('lost', `connection ${connection.id} was destroyed`)
    if (reason !== undefined) error.cause = reason
    connection.end('destroyed', error)
  }

  probeScope({ database, host = '', port = 0 }: Endpoint): ProbeScope | undefined {
    return this.#shareProbes ? { server: [host, port], database: database ?? '' } : undefined
  }

  isOfDatabase(error: unknown): boolean {
    return error instanceof FakeError && error.kind === 'setup' && /database/.test(error.message)
  }

  classify(error: unknown): FailureKind {
    return error instanceof FakeError ? error.kind : 'statement'
  }

  openProbe(endpoint: Endpoint, { signal, onSignal, watch }: ConnectContext): Promise<Probe> {
    const server = this.server(endpoint)
    const scripted = this.#log.record('openProbe', endpoint, undefined)
    watch?.(receivedAtLogin(server, scripted, this.#clock))
    const owner = {
      clock: this.#clock,
      onCheck: () => this.#log.record('probe', endpoint, undefined),
      onDestroy: () => this.#log.note('destroyProbe', endpoint, undefined),
    }
    if (signal.aborted) return Promise.reject(signal.reason)
    return play(scripted, this.#clock, { signal }).then(() =>
      reach(server, this.#clock, signal, () => new FakeProbe(endpoint, server, owner, onSignal)),
    )
  }

  /** @internal One call on a connection: recorded, scripted, and subject to what the server does. */
  run(method: FakeMethod, connection: FakeConnection, detail?: unknown): Promise<void> {
    const outcome = this.#log.record(method, connection.endpoint, connection, detail)
    if (!connection.open) return connection.gone
    const server = this.server(connection.endpoint)
    return play(outcome, this.#clock, { gone: connection.gone })
      .then(() => play(server.callOutcome, this.#clock, { gone: connection.gone }))
      .then(
        () => {
          connection.role = server.role
        },
        (error: unknown) => {
          // As on a socket: a caller that loses the connection mid-call also hears of it outside the call.
          if (this.classify(error) === 'lost') connection.lose(error as Error)
          throw error
        },
      )
  }

  /** @internal */
  noteEnd(connection: FakeConnection): void {
    this.#openCount -= 1
    this.server(connection.endpoint).removeConnection(connection)
  }

  #open(
    endpoint: Endpoint,
    onSignal: ConnectContext['onSignal'],
    queries: ConnectContext['queries'],
  ): FakeConnection {
    const id = this.connections.length + 1
    const connection = new FakeConnection(id, endpoint, this, onSignal, queries)
    const server = this.server(endpoint)
    connection.role = server.role
    this.connections.push(connection)
    this.#openCount += 1
    server.addConnection(connection)
    return connection
  }
}
