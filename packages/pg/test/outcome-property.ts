import { systemClock } from '@connmgr/core'
import fc from 'fast-check'
import type { Client, PoolClient, QueryConfig } from 'pg'
import { ManagedPool } from '../src/managed-pool.js'
import { type End, KINDS, PLACES } from './ends.js'
import { ScriptedServer, STALL_MS } from './scripted-server.js'
import {
  Beliefs,
  type Expectation,
  STATEMENTS,
  type Statement,
  type StatementClass,
} from './statements.js'
import { type Told, toldBy } from './told.js'

/** Below {@link STALL_MS}. */
const TIMEOUT_MS = 4

interface Options {
  readonly max: number
  readonly shared: boolean
  readonly limited: boolean
  readonly replayStatements: 'never' | 'safe'
}

/** One caller, and how it sends its statements. */
interface Caller {
  readonly via: 'pool' | 'client' | 'use' | 'transaction' | 'unit'
  readonly statements: readonly Statement[]
  /** All in one tick, instead of each after the answer to the one before. */
  readonly queued: boolean
  /** By something that was made outside of the caller's work, and sends in a flow of its own. */
  readonly gathered: boolean
  readonly replay: 'never' | 'safe'
  /** What the work does with the first error, and how it ends. */
  readonly ignores: boolean
  readonly throwsOnce: boolean
}

const statement = fc
  .record({
    is: fc.oneof(
      { weight: 4, arbitrary: fc.constant<StatementClass>('insert') },
      { weight: 2, arbitrary: fc.constantFrom<StatementClass>('begin', 'commit', 'rollback') },
      { weight: 3, arbitrary: fc.constantFrom(...(Object.keys(STATEMENTS) as StatementClass[])) },
    ),
    extended: fc.boolean(),
  })
  .map(({ is, extended }) => ({
    is,
    row: 0,
    // Only one statement at a time can be sent so.
    extended: extended && !is.startsWith('several'),
  }))

const caller: fc.Arbitrary<Caller> = fc.record({
  via: fc.constantFrom(
    'pool',
    'pool',
    'client',
    'client',
    'use',
    'transaction',
    'transaction',
    'unit',
  ),
  statements: fc.array(statement, { minLength: 1, maxLength: 6 }),
  queued: fc.boolean(),
  gathered: fc.boolean(),
  replay: fc.constantFrom('never', 'safe'),
  ignores: fc.boolean(),
  throwsOnce: fc.boolean(),
})

const end: fc.Arbitrary<End> = fc.record({
  after: fc.nat({ max: 14 }),
  place: fc.constantFrom(...PLACES),
  kind: fc.constantFrom(...(Object.keys(KINDS) as (keyof typeof KINDS)[])),
  kept: fc.boolean(),
  cut: fc.boolean(),
})

const options: fc.Arbitrary<Options> = fc.record({
  max: fc.integer({ min: 1, max: 3 }),
  shared: fc.boolean(),
  limited: fc.boolean(),
  replayStatements: fc.constantFrom('never', 'safe'),
})

/** As the real one, but without the pauses between attempts. */
const clock = { ...systemClock, random: () => 0 }

/** Sends statements in a flow of its own, which began before any of the callers. */
class Gatherer {
  #wake: () => void = () => {}
  readonly #jobs: (() => void)[] = []
  #closed = false

  constructor() {
    void this.#run()
  }

  run<T>(job: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => job().then(resolve, reject))
      this.#wake()
    })
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      for (const job of this.#jobs.splice(0)) job()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/** One history: a pool of a scripted server, its callers, and what they were told. */
class History {
  readonly #server: ScriptedServer
  readonly #pool: ManagedPool
  readonly #limited: boolean
  readonly #gatherer = new Gatherer()
  readonly #rows = new Map<number, Expectation>()
  readonly #complaints: string[] = []
  readonly #log: string[] = []
  #row = 0

  constructor(options: Options, ends: readonly End[]) {
    this.#server = new ScriptedServer(ends)
    this.#limited = options.limited
    this.#pool = new ManagedPool({
      host: '127.0.0.1',
      port: 1,
      database: 'd',
      user: 'u',
      stream: () => this.#server.connect() as never,
      max: options.max,
      shared: options.shared,
      replayStatements: options.replayStatements,
      query_timeout: options.limited ? TIMEOUT_MS : undefined,
      acquireTimeoutMs: 5000,
      prePing: false,
      healthMonitoring: false,
      leakDetection: false,
      logger: false,
      clock,
    })
  }

  async run(callers: readonly Caller[]): Promise<void> {
    const running = callers.map((caller) => this.#call(this.#numbered(caller)))
    await Promise.all(running)
    this.#gatherer.close()
    await this.#pool.$connections.close({ drainTimeoutMs: 0 })
    // Whose client has given up may be at work still.
    while (this.#server.busy > 0) await new Promise((resolve) => setTimeout(resolve, STALL_MS / 4))
    this.#compare()
  }

  #numbered(caller: Caller): Caller {
    const statements = caller.statements.map((each) => ({ ...each, row: ++this.#row }))
    return { ...caller, statements }
  }

  async #call(caller: Caller): Promise<void> {
    switch (caller.via) {
      case 'pool':
        await Promise.all(caller.statements.map((each) => this.#alone(each, caller)))
        return
      case 'client':
        return this.#client(caller)
      case 'use':
        return this.#use(caller)
      case 'transaction':
        return this.#transaction(caller)
      case 'unit':
        return this.#unit(caller)
    }
  }

  /** A statement by `pool.query`. */
  async #alone(each: Statement, { replay }: Pick<Caller, 'replay'>): Promise<unknown> {
    if (!isAlone(each)) return undefined
    const beliefs = new Beliefs(this.#rows, false)
    beliefs.sends(each)
    const error = await fate(this.#pool.query({ ...configOf(each), replay } as QueryConfig))
    beliefs.told(each, this.#note(each, error))
    return error
  }

  async #client(caller: Caller): Promise<void> {
    const client = await this.#pool.connect().catch(() => undefined)
    if (client === undefined) return
    const beliefs = new Beliefs(this.#rows, false)
    await this.#send(client, beliefs, { ...caller, ignores: true })
    client.release()
    beliefs.end('absent')
  }

  async #use(caller: Caller): Promise<void> {
    let attempts = 0
    const error = await fate(
      this.#pool.$connections.use(
        async (client) => {
          attempts += 1
          const beliefs = new Beliefs(this.#rows, false)
          const failure = await this.#send(client, beliefs, caller)
          beliefs.end('absent')
          if (failure !== undefined) throw failure
          if (caller.throwsOnce && attempts === 1) throw conflict()
        },
        { replay: caller.replay },
      ),
    )
    this.#log.push(`use after ${attempts}: ${toldBy(error)}`)
  }

  async #transaction(caller: Caller): Promise<void> {
    let attempts = 0
    let beliefs = new Beliefs(this.#rows, true)
    const error = await fate(
      this.#pool.$connections.transaction(
        async (client) => {
          attempts += 1
          beliefs = new Beliefs(this.#rows, true)
          const failure = await this.#send(client, beliefs, caller)
          if (failure !== undefined) throw failure
          if (caller.throwsOnce && attempts === 1) throw conflict()
        },
        { replay: caller.replay },
      ),
    )
    const told = toldBy(error)
    this.#log.push(`transaction after ${attempts}: ${told}`)
    if (told === 'ok' && beliefs.ended)
      this.#complaints.push('a transaction that had ended by itself was told to be committed')
    beliefs.end(told === 'ok' ? 'there' : told === 'unknown' ? 'open' : 'absent')
  }

  /** Statements by `pool.query` that are run again together. */
  async #unit(caller: Caller): Promise<void> {
    let attempts = 0
    const error = await fate(
      this.#pool.$connections.replay(
        async () => {
          attempts += 1
          for (const each of caller.statements) {
            const failure = await this.#alone(each, { replay: 'never' })
            if (failure !== undefined && !caller.ignores) throw failure
          }
          if (caller.throwsOnce && attempts === 1) throw conflict()
        },
        { replay: 'safe' },
      ),
    )
    this.#log.push(`unit after ${attempts}: ${toldBy(error)}`)
  }

  /** @returns the error that the work goes on to throw */
  async #send(client: Client | PoolClient, beliefs: Beliefs, caller: Caller): Promise<unknown> {
    const ask = (each: Statement): Promise<unknown> => {
      beliefs.sends(each)
      const query = () => client.query(configOf(each))
      return fate(caller.gathered ? this.#gatherer.run(query) : query())
    }
    if (caller.queued) {
      const errors = await Promise.all(caller.statements.map(ask))
      for (const [index, each] of caller.statements.entries())
        beliefs.told(each, this.#note(each, errors[index]))
      return caller.ignores ? undefined : errors.find((error) => error !== undefined)
    }
    for (const each of caller.statements) {
      const error = await ask(each)
      beliefs.told(each, this.#note(each, error))
      if (error !== undefined && !caller.ignores) return error
    }
    return undefined
  }

  #note(each: Statement, error: unknown): Told {
    const told = toldBy(error)
    const why = error === undefined ? '' : ` (${(error as Error).message})`
    this.#log.push(`${configOf(each).text}${each.extended ? ' [extended]' : ''}: ${told}${why}`)
    return told
  }

  #compare(): void {
    for (const [row, expected] of this.#rows) {
      const times = this.#server.committed.get(row) ?? 0
      if (times > 1) this.#complaints.push(`row ${row} was written ${times} times`)
      if (expected === 'there' && times === 0)
        this.#complaints.push(`row ${row} was told to be written, and is not there`)
      if (expected === 'absent' && times > 0)
        this.#complaints.push(`row ${row} was told not to be written, and is there`)
    }
    if (this.#complaints.length > 0)
      throw new Error(`${this.#complaints.join('\n')}\nAs told:\n${this.#log.join('\n')}`)
  }
}

/** Histories of a pool of a scripted server, held against what was written. */
export const outcomeProperty = fc.asyncProperty(
  options,
  fc.record({
    callers: fc.array(caller, { minLength: 1, maxLength: 4 }),
    ends: fc.array(end, { maxLength: 3 }),
  }),
  async (chosen, { callers, ends }) => {
    await new History(chosen, ends).run(callers)
  },
)

function configOf({ is, row, extended }: Statement): { text: string; queryMode?: string } {
  const text = STATEMENTS[is](row)
  return extended ? { text, queryMode: 'extended' } : { text }
}

/** By `pool.query` a transaction that spans statements means nothing. */
function isAlone({ is }: Statement): boolean {
  return !/^(begin|commit|rollback|savepoint)/.test(is)
}

const conflict = (): Error => Object.assign(new Error('conflict of the work'), { code: '40001' })

/** The error of a promise, undefined if it has none. */
async function fate(running: Promise<unknown>): Promise<unknown> {
  try {
    await running
    return undefined
  } catch (error) {
    return error ?? new Error('nothing')
  }
}
