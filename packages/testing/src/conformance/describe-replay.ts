import type { ConnectionManager, TransactionReplayOptions } from '@connmgr/core'
import { eventually } from '../eventually.js'
import { type PostgresCluster, startCluster } from '../postgres/postgres-cluster.js'
import { type FaultProxy, startFaultProxy } from '../proxy/fault-proxy.js'

/** A library over one manager of PostgreSQL, with a table of numbers that it writes in its own way. */
export interface ReplaySubject {
  readonly connections: Pick<
    ConnectionManager<never>,
    'getCounts' | 'getHealthStatus' | 'getReplayStats' | 'on' | 'replay'
  >
  /** The adapter's `replayTransaction`. */
  replayTransaction<T>(
    work: (transaction: ReplayedTransaction, attempt: number) => Promise<T>,
    options?: TransactionReplayOptions & { readonly isolation?: string },
  ): Promise<T>
  /** The library's own transaction. */
  transaction<T>(work: (transaction: ReplayedTransaction) => Promise<T>): Promise<T>
  /** A statement by itself. */
  query(text: string): Promise<unknown>
  insert(id: number): Promise<unknown>
  ids(): Promise<number[]>
  /** Resolves when the manager knows what functions of the database do, so that it can tell what only reads. */
  catalogRead(): Promise<void>
  close(): Promise<unknown>
}

export interface ReplayedTransaction {
  insert(id: number): Promise<unknown>
  count(): Promise<number>
  query(text: string): Promise<unknown>
}

export interface ReplayHarness {
  /** The table, quoted if it has to be. */
  readonly table: string
  readonly createTable: string
  /** True in SQL, of `new`, for the row with the number 13, which takes its COMMIT a minute. */
  readonly isThirteen: string
  /** A statement that writes after a minute. */
  readonly slowInsert: string
  /** Where the code of a failed statement shows: on its error, or on the one that this wraps. */
  readonly codeIn: 'error' | 'cause' | 'parent'
  /** How the library writes SERIALIZABLE. */
  readonly serializable: string
  open(url: string): ReplaySubject | Promise<ReplaySubject>
}

const SLEEPING = "from pg_stat_activity where wait_event = 'PgSleep'"

/**
 * Proves of an adapter that work is run again when it can have had no effect, and never when it may have had one. Over
 * embedded PostgreSQL behind a proxy that cuts connections.
 */
export function describeReplay(library: string, harness: ReplayHarness): void {
  describe(`replay through ${library}`, () => {
    let cluster: PostgresCluster
    let proxy: FaultProxy
    let subject: ReplaySubject

    beforeAll(async () => {
      cluster = await startCluster()
      await cluster.primary.query(`
        ${harness.createTable};
        create table pace (seconds float);
        create function dawdle() returns trigger language plpgsql as $$
          begin perform pg_sleep(60); return null; end $$;
        create constraint trigger dawdle after insert on ${harness.table} deferrable initially deferred
          for each row when (${harness.isThirteen}) execute function dawdle()`)
    })
    beforeEach(async () => {
      proxy = await startFaultProxy({ target: cluster.primary })
      subject = await harness.open(urlOf(proxy))
    })
    afterEach(async () => {
      await terminateSleeping()
      await subject.close()
      await proxy.close()
      await cluster.primary.query(`delete from ${harness.table}`)
    })
    afterAll(() => cluster.stop())

    const urlOf = ({ port }: { readonly port: number }) =>
      cluster.primary.url().replace(`:${cluster.primary.port}`, `:${port}`)
    const terminateSleeping = () =>
      cluster.primary.query(`select pg_terminate_backend(pid) ${SLEEPING}`)
    const sleeping = () =>
      eventually(async () => (await cluster.primary.query(`select 1 ${SLEEPING}`)).length > 0)

    /** Ends the session of a transaction while it is idle, and waits until the manager knows. */
    const endSession = async (transaction: ReplayedTransaction): Promise<void> => {
      const lost = new Promise<void>((resolve) => {
        const stop = subject.connections.on('connectionClosed', () => {
          stop()
          resolve()
        })
      })
      await transaction.query(`set application_name = 'victim'`)
      await cluster.primary.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`,
      )
      await lost
    }

    /** Cuts the connection of work that sleeps, and returns how that settles: its result, or its error. */
    const cut = async (running: PromiseLike<unknown>): Promise<unknown> => {
      const settled = Promise.resolve(running).catch((error: unknown) => error)
      await sleeping()
      proxy.reset()
      const result = await settled
      await terminateSleeping()
      return result
    }
    const codeOf = (error: unknown): unknown => {
      const { cause, parent } = error as { cause?: unknown; parent?: unknown }
      const coded = { error, cause, parent }[harness.codeIn]
      return (coded as { code?: unknown } | undefined)?.code
    }

    test('a transaction is run again whose connection is lost under a statement or between two, or that meets a conflict', async () => {
      const attempts: number[] = []
      const result = await subject.replayTransaction(
        async (transaction, attempt) => {
          attempts.push(attempt)
          await transaction.insert(attempt)
          if (attempt === 1) {
            const hanging = transaction.query('select pg_sleep(60)::text')
            await Promise.all([hanging, sleeping().then(() => proxy.reset())])
          }
          if (attempt === 2) await endSession(transaction)
          await transaction.count()
          if (attempt === 3) await endSession(transaction)
          const code = { 4: '40001', 5: '40P01', 6: '25006' }[attempt]
          if (code !== undefined)
            await transaction.query(
              `do $$ begin raise exception 'no' using errcode = '${code}'; end $$`,
            )
          return attempt
        },
        { isolation: harness.serializable },
      )
      // The third has done all its work when its session ends: its COMMIT finds out.
      expect(result).toBe(7)
      expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7])
      expect(await subject.ids()).toEqual([7])
      expect(subject.connections.getReplayStats()).toMatchObject({ replays: 6, recovered: 1 })
    })

    test('any unit of work is run again whose connection is lost between two statements', async () => {
      const attempts: number[] = []
      await subject.connections.replay((attempt) =>
        subject.transaction(async (transaction) => {
          attempts.push(attempt)
          await transaction.insert(attempt)
          if (attempt === 1) await endSession(transaction)
          await transaction.count()
        }),
      )
      expect(attempts).toEqual([1, 2])
      expect(await subject.ids()).toEqual([2])
    })

    test.each(['safe', 'idempotent'] as const)(
      "an error of the work is not repeated by '%s' as its connection was lost while it was idle",
      async (replay) => {
        let attempts = 0
        const failing = subject.replayTransaction(
          async (transaction) => {
            attempts += 1
            await transaction.insert(attempts)
            await endSession(transaction)
            throw new Error('sold out')
          },
          { replay },
        )
        await expect(failing).rejects.toThrow('sold out')
        expect(attempts).toBe(1)
        expect(await subject.ids()).toEqual([])
        await eventually(() => subject.connections.getCounts().inUse === 0)
      },
    )

    test('an isolation level that is none does not reach SQL', async () => {
      const isolation = `${harness.serializable}; drop table ${harness.table}`
      await expect(subject.replayTransaction(async () => {}, { isolation })).rejects.toThrow()
      expect(await subject.ids()).toEqual([])
    })

    test('a COMMIT that is cut off and is found to be done returns the result', async () => {
      let attempts = 0
      const running = subject.replayTransaction(
        async (transaction) => {
          attempts += 1
          await transaction.insert(13)
          return 'written'
        },
        { outcome: async () => 'committed' },
      )
      expect(await cut(running)).toBe('written')
      expect(attempts).toBe(1)
    })

    test('a COMMIT that is cut off and whose outcome stays unknown is not repeated', async () => {
      let attempts = 0
      const running = subject.replayTransaction(
        async (transaction) => {
          attempts += 1
          await transaction.insert(13)
        },
        { outcome: async () => 'unknown' },
      )
      const error = (await cut(running)) as { code?: unknown }
      // Of a COMMIT some show it on the error itself, and of a statement on the one that this wraps.
      expect([error.code, codeOf(error)]).toContain('CONNMGR_COMMIT_OUTCOME_UNKNOWN')
      expect(attempts).toBe(1)
    })

    test('a statement by itself keeps its code when it is cut off', async () => {
      expect(codeOf(await cut(subject.query(harness.slowInsert)))).toBe(
        'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
      )
      await subject.catalogRead()
      expect(codeOf(await cut(subject.query('select pg_sleep(60)::text')))).toBe(
        'CONNMGR_CONNECTION_LOST',
      )
    })

    test('a statement that may have written is never run again', async () => {
      let attempts = 0
      const writing = subject.connections.replay(() => {
        attempts += 1
        return subject.query(harness.slowInsert)
      })
      expect(codeOf(await cut(writing))).toBe('CONNMGR_COMMIT_OUTCOME_UNKNOWN')
      expect(attempts).toBe(1)
    })

    test('a statement that only reads is run again by replay()', async () => {
      await subject.catalogRead()
      await cluster.primary.query('insert into pace values (60)')
      const replayed = subject.connections.replay(async (attempt) => {
        await subject.query('select pg_sleep(seconds)::text from pace')
        return attempt
      })
      await sleeping()
      await cluster.primary.query('update pace set seconds = 0')
      expect(await cut(replayed)).toBe(2)
    })

    test('what was done by itself keeps what fails after it from being run again', async () => {
      await subject.catalogRead()
      let attempts = 0
      const kept = subject.connections.replay(async () => {
        attempts += 1
        await subject.insert(1)
        await subject.query('select pg_sleep(60)::text')
      })
      expect(codeOf(await cut(kept))).toBe('CONNMGR_CONNECTION_LOST')
      expect(attempts).toBe(1)
      expect(await subject.ids()).toEqual([1])
    })

    test('a transaction waits for a server that starts again', async () => {
      expect(await subject.ids()).toEqual([])
      await cluster.primary.stop()
      const running = subject.replayTransaction(async (transaction) => {
        await transaction.insert(1)
        return 'written'
      })
      await eventually(() => !subject.connections.getHealthStatus().healthy)
      await cluster.primary.start()
      expect(await running).toBe('written')
      expect(await subject.ids()).toEqual([1])
    })
  })
}
