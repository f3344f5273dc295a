import { isDeepStrictEqual } from 'node:util'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { FieldDef, QueryResult } from 'pg'
import pg from 'pg'
import type { PgConnectionManager } from '../src/connection-manager.js'
import { createConnectionManager } from '../src/create-connection-manager.js'
import { type Ask, type LockstepHistory, type Place, SCHEMA, type Step } from './lockstep-steps.js'

const LOCK_TIMEOUT_MS = 60
/** Numbers of tables and of types of the user's differ between two databases. */
const FIRST_OF_USER = 16_384
const OF_ERRORS = [
  'code',
  'message',
  'severity',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'routine',
  'length',
]
/** What the server may say, in a transaction, of a statement that it had prepared before another process changed a name's meaning. */
const REFUSED = /^(?:0A000|22|42|08P01)/
const LOCK_TIMEOUT = '55P03'

type Ran = { readonly client: pg.ClientBase; ask(ask: Ask): Promise<unknown> }

/** A server with two databases that histories run on in lockstep: by a manager, and by plain node-postgres. */
export class LockstepServer {
  readonly #cluster: PostgresCluster

  private constructor(cluster: PostgresCluster) {
    this.#cluster = cluster
  }

  static async start(): Promise<LockstepServer> {
    const cluster = await startCluster()
    await cluster.primary.query('create database ours')
    await cluster.primary.query('create database plain')
    await cluster.primary.query('create role reader; grant pg_read_all_data to reader')
    return new LockstepServer(cluster)
  }

  stop(): Promise<void> {
    return this.#cluster.stop()
  }

  /** @throws Error if a result differs from what plain node-postgres has given */
  async run({ shared, steps }: LockstepHistory): Promise<void> {
    const ours = await Ours.open(this.#urlOf('ours'), shared)
    const plain = await Plain.open(this.#urlOf('plain'))
    try {
      const lockstep = new Lockstep(ours, plain)
      for (const step of steps) await lockstep.run(step)
    } finally {
      await ours.close()
      await plain.close()
    }
  }

  #urlOf(database: string): string {
    const url = new URL(this.#cluster.primary.url())
    url.pathname = `/${database}`
    return url.href
  }
}

class Lockstep {
  readonly #ours: Side
  readonly #plain: Side
  /** Statements by which the outsider has changed what names mean. */
  #changes = 0
  /** How many of these there had been when a text was asked last at a place. */
  readonly #seen = new Map<string, number>()

  constructor(ours: Side, plain: Side) {
    this.#ours = ours
    this.#plain = plain
  }

  async run(step: Step): Promise<void> {
    if (step.place === 'outsider') this.#changes += 1
    for (let n = 0; n < step.times; n += 1) {
      // One after the other, so that what one locks in its database cannot be cancelled for the other.
      const [ours, plain] = [await this.#ours.run(step), await this.#plain.run(step)]
      for (const [index, ask] of step.asks.entries()) {
        if (await this.#agree(step, ask, ours[index], plain[index])) continue
        return
      }
    }
  }

  /** False if they may differ from here on, so that the rest of the step means nothing. */
  async #agree(step: Step, ask: Ask, ours: unknown, plain: unknown): Promise<boolean> {
    const key = `${step.place}: ${ask.text}`
    const before = this.#seen.get(key) ?? 0
    this.#seen.set(key, this.#changes)
    if (isDeepStrictEqual(ours, plain)) return true
    if (waitsInVain(ours, plain)) return true
    // A COMMIT that commits nothing is an error with us, prepared statements or not.
    if (isRolledBack(ours) && 'command' in (plain as object)) return true
    const { code = '', status } = ours as { code?: string; status?: string }
    const excused = before < this.#changes && status === 'E' && REFUSED.test(code)
    if (!excused)
      throw new Error(
        `at ${step.place}, ${JSON.stringify(ask)}\nours:  ${show(ours)}\nplain: ${show(plain)}`,
      )
    for (const side of [this.#ours, this.#plain]) await side.ask(step.place, { text: 'rollback' })
    return false
  }
}

/**
 * Whether a statement fails that waits for a lock in vain, where the answers may differ. The server waits while it reads the
 * text, and says at which position; of a statement that is prepared it has no text to read, and reads the values first, so
 * that one with a wrong value fails by that.
 */
function waitsInVain(ours: unknown, plain: unknown): boolean {
  const [our, their] = [ours, plain] as { code?: string; status?: string }[]
  return (
    their?.code === LOCK_TIMEOUT &&
    /^(?:22|08P01$|55P03$)/.test(our?.code ?? '') &&
    our?.status === their.status
  )
}

/** One database, and those who ask it. */
abstract class Side {
  readonly #outsider: pg.Client

  protected constructor(outsider: pg.Client) {
    this.#outsider = outsider
  }

  protected abstract at(place: Place): Ran

  async run(step: Step): Promise<unknown[]> {
    if (step.cancelled) return this.#cancelled(step)
    if (step.queued) return Promise.all(step.asks.map((ask) => this.ask(step.place, ask)))
    const outcomes: unknown[] = []
    for (const ask of step.asks) outcomes.push(await this.ask(step.place, ask))
    return outcomes
  }

  async ask(place: Place, ask: Ask): Promise<unknown> {
    const { client, ask: run } = this.at(place)
    try {
      return outcomeOf(await run(ask))
    } catch (error) {
      // The server tells of the status only after the error.
      if (place !== 'pool') await eventually(() => statusOf(client) !== undefined)
      return { ...failureOf(error), ...(place === 'pool' ? {} : { status: statusOf(client) }) }
    }
  }

  async close(): Promise<void> {
    await this.#outsider.end()
  }

  protected askOutsider(ask: Ask): Promise<unknown> {
    return this.#outsider.query(ask as never)
  }

  protected get outsider(): pg.Client {
    return this.#outsider
  }

  /** Asks while the tables are locked, and cancels it once it waits for them, wherever it has come to by then. */
  async #cancelled({ place, asks }: Step): Promise<unknown[]> {
    if (place === 'pool') return Promise.all(asks.map((ask) => this.ask(place, ask)))
    const { processID } = this.at(place).client as unknown as { processID: number }
    const locked = await this.#outsider.query('begin; lock table public.t').then(
      () => true,
      () => this.#outsider.query('rollback').then(() => false),
    )
    const outcomes: unknown[] = []
    for (const ask of asks) {
      let over = false
      const outcome = this.ask(place, ask).finally(() => {
        over = true
      })
      await eventually(async () => {
        if (over) return true
        const { rows } = await this.#outsider.query(
          "select pg_cancel_backend(pid) from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'",
          [locked ? processID : 0],
        )
        return rows.length > 0
      })
      const { code } = (await outcome) as { code?: string }
      // Which of the two comes first is luck.
      outcomes.push(code === '55P03' || code === '57014' ? 'cancelled' : await outcome)
    }
    if (locked) await this.#outsider.query('rollback')
    return outcomes
  }
}

class Ours extends Side {
  readonly #manager: PgConnectionManager
  readonly #clients: Readonly<Record<'one' | 'two', pg.PoolClient>>

  private constructor(
    outsider: pg.Client,
    manager: PgConnectionManager,
    one: pg.PoolClient,
    two: pg.PoolClient,
  ) {
    super(outsider)
    this.#manager = manager
    this.#clients = { one, two }
  }

  static async open(databaseUrl: string, shared: boolean): Promise<Ours> {
    const outsider = await connect(databaseUrl)
    await outsider.query(SCHEMA)
    const manager = createConnectionManager({
      databaseUrl,
      poolSize: 3,
      maxOverflow: 0,
      shared,
      logger: false,
      leakDetection: false,
      healthMonitoring: false,
      clientConfig: { lock_timeout: LOCK_TIMEOUT_MS },
    })
    const [one, two] = [await manager.pool.connect(), await manager.pool.connect()]
    await eventually(() => manager.getStatementStats().off.length === 0)
    return new Ours(outsider, manager, one, two)
  }

  override async close(): Promise<void> {
    const { off } = this.#manager.getStatementStats()
    for (const client of Object.values(this.#clients)) client.release(true)
    await this.#manager.close({ drainTimeoutMs: 0 })
    await super.close()
    if (off.length > 0) throw new Error(`nothing is prepared any more: ${off[0]?.reason}`)
  }

  protected override at(place: Place): Ran {
    if (place === 'outsider') return { client: this.outsider, ask: (ask) => this.askOutsider(ask) }
    if (place === 'pool') {
      const { pool } = this.#manager
      return { client: this.outsider, ask: (ask) => pool.query(ask as never) }
    }
    const client = this.#clients[place]
    return { client, ask: (ask) => client.query(ask as never) }
  }
}

type Clients = Readonly<Record<Exclude<Place, 'outsider'>, pg.Client>>

class Plain extends Side {
  readonly #clients: Clients

  private constructor(outsider: pg.Client, clients: Clients) {
    super(outsider)
    this.#clients = clients
  }

  static async open(url: string): Promise<Plain> {
    const outsider = await connect(url)
    await outsider.query(SCHEMA)
    const options = { lock_timeout: LOCK_TIMEOUT_MS }
    const [one, two, pool] = await Promise.all([
      connect(url, options),
      connect(url, options),
      connect(url, options),
    ])
    return new Plain(outsider, { one, two, pool } as Clients)
  }

  override async close(): Promise<void> {
    for (const client of Object.values(this.#clients)) await client.end()
    await super.close()
  }

  protected override at(place: Place): Ran {
    if (place === 'outsider') return { client: this.outsider, ask: (ask) => this.askOutsider(ask) }
    const client = this.#clients[place]
    return { client, ask: (ask) => client.query(ask as never) }
  }
}

async function connect(url: string, options: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    lock_timeout: LOCK_TIMEOUT_MS,
    ...options,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

function statusOf(client: pg.ClientBase): string | undefined {
  const { readyForQuery, _txStatus } = client as unknown as Record<string, unknown>
  return readyForQuery === true ? (_txStatus as string) : undefined
}

function outcomeOf(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(outcomeOf)
  const { rows, fields, command, rowCount, oid } = result as QueryResult
  return { rows, fields: fields.map(fieldOf), command, rowCount, oid }
}

function fieldOf(field: FieldDef): object {
  return {
    ...field,
    tableID: field.tableID === 0 ? 0 : 'a table',
    dataTypeID: field.dataTypeID < FIRST_OF_USER ? field.dataTypeID : 'a type',
  }
}

function failureOf(thrown: unknown): object {
  const error = thrown as Record<string, unknown>
  const answer = Object.fromEntries(OF_ERRORS.map((name) => [name, error[name]]))
  // Where in the text the server is when it waits for a lock depends on whether it reads the text.
  return error.code === '55P03' ? { ...answer, position: undefined } : answer
}

function isRolledBack(outcome: unknown): boolean {
  return (outcome as { code?: unknown }).code === 'CONNMGR_TRANSACTION_ROLLED_BACK'
}

function show(outcome: unknown): string {
  return JSON.stringify(outcome)
}
