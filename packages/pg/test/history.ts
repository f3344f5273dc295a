import { systemClock } from '@connmgr/core/driver'
import { patient } from '@connmgr/testing'
import type { Client, PoolClient, QueryConfig } from 'pg'
import { ManagedPool } from '../src/managed-pool.js'
import type { ManagedPoolConfig } from '../src/pool-config.js'
import { answerOf, type CallerAnswer } from './caller-answer.js'
import type { Caller, Options } from './callers.js'
import { Beliefs, type Expectation, type Statement, type StatementClass } from './statements.js'

/** What a history is played on: a server, and what happens to its sessions. */
export interface World {
  /** Where the pool finds it. */
  readonly config: ManagedPoolConfig
  /** A time limit that some statements exceed. */
  readonly timeoutMs: number
  textOf(is: StatementClass, row: number): string
  /** Resolves when no session is at work any more, with how often each row was committed. */
  written(): Promise<ReadonlyMap<number, number>>
}

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

/** One history: a pool, its callers, and the answers they got. */
export class History {
  readonly #world: World
  readonly #pool: ManagedPool
  readonly #gatherer = new Gatherer()
  readonly #rows = new Map<number, Expectation>()
  readonly #complaints: string[] = []
  readonly #log: string[] = []
  #row = 0

  constructor(options: Options, world: World) {
    this.#world = world
    this.#pool = new ManagedPool({
      max: options.max,
      shared: options.shared,
      replayStatements: options.replayStatements,
      query_timeout: options.limited ? world.timeoutMs : undefined,
      acquireTimeoutMs: patient(20_000),
      prePing: false,
      healthMonitoring: false,
      leakDetection: false,
      logger: false,
      clock,
      ...world.config,
    })
  }

  /** @throws if an answer to a caller was not so */
  async run(callers: readonly Caller[]): Promise<void> {
    const running = callers.map((caller) => this.#call(this.#numbered(caller)))
    await Promise.all(running)
    this.#gatherer.close()
    await this.#pool.$connections.close({ drainTimeoutMs: 0 })
    this.#compare(await this.#world.written())
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
    const error = await fate(this.#pool.query({ ...this.#configOf(each), replay } as QueryConfig))
    beliefs.answered(each, this.#note(each, error))
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
    this.#log.push(`use after ${attempts}: ${answerOf(error)}`)
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
    const answer = answerOf(error)
    this.#log.push(`transaction after ${attempts}: ${answer}`)
    if (answer === 'ok' && beliefs.ended)
      this.#complaints.push('a transaction that had ended by itself was reported as committed')
    beliefs.end(answer === 'ok' ? 'there' : answer === 'unknown' ? 'open' : 'absent')
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
    this.#log.push(`unit after ${attempts}: ${answerOf(error)}`)
  }

  /** @returns the error that the work goes on to throw */
  async #send(client: Client | PoolClient, beliefs: Beliefs, caller: Caller): Promise<unknown> {
    const ask = (each: Statement): Promise<unknown> => {
      beliefs.sends(each)
      const query = () => client.query(this.#configOf(each))
      return fate(caller.gathered ? this.#gatherer.run(query) : query())
    }
    if (caller.queued) {
      const errors = await Promise.all(caller.statements.map(ask))
      for (const [index, each] of caller.statements.entries())
        beliefs.answered(each, this.#note(each, errors[index]))
      return caller.ignores ? undefined : errors.find((error) => error !== undefined)
    }
    for (const each of caller.statements) {
      const error = await ask(each)
      beliefs.answered(each, this.#note(each, error))
      if (error !== undefined && !caller.ignores) return error
    }
    return undefined
  }

  #configOf({ is, row, extended }: Statement): { text: string; queryMode?: string } {
    const text = this.#world.textOf(is, row)
    return extended ? { text, queryMode: 'extended' } : { text }
  }

  #note(each: Statement, error: unknown): CallerAnswer {
    const answer = answerOf(error)
    const why = error === undefined ? '' : ` (${(error as Error).message})`
    this.#log.push(
      `${this.#configOf(each).text}${each.extended ? ' [extended]' : ''}: ${answer}${why}`,
    )
    return answer
  }

  #compare(written: ReadonlyMap<number, number>): void {
    for (const [row, expected] of this.#rows) {
      const times = written.get(row) ?? 0
      if (times > 1) this.#complaints.push(`row ${row} was written ${times} times`)
      if (expected === 'there' && times === 0)
        this.#complaints.push(`row ${row} was reported as written, and is not there`)
      if (expected === 'absent' && times > 0)
        this.#complaints.push(`row ${row} was reported as not written, and is there`)
    }
    if (this.#complaints.length > 0)
      throw new Error(`${this.#complaints.join('\n')}\nAnswers:\n${this.#log.join('\n')}`)
  }
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
