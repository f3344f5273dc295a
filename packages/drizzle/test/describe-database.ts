import { inspect } from 'node:util'
import { FakeClock, patient } from '@connmgr/testing'
import { eq, type SQL, sql } from 'drizzle-orm'
import type { Database, Harness, Statements, SuiteOptions } from './harness.js'

const CALLERS = 50
const UNDONE = 'undone'

/** The tests that a managed database of drizzle passes, whatever is below it. */
export function describeDatabase<Manager>(
  describeIt: (name: string, tests: () => void) => void,
  name: string,
  harness: Harness<Manager>,
): void {
  describeIt(name, () => {
    const { users, posts, counters } = harness
    const named = (each: string) => eq(users.name as never, each)
    let opened: Database[] = []
    const keep = <T extends Database>(db: T): T => {
      opened.push(db)
      return db
    }
    const open = (options?: SuiteOptions): Database => keep(harness.open(options))
    const namesIn = async (db: Statements) =>
      (await db.select().from(users).orderBy(users.id)).map((each) => each.name)

    beforeAll(() => harness.start())
    afterEach(async () => {
      await Promise.all(opened.map((db) => db.$connections.close({ drainTimeoutMs: 0 })))
      opened = []
      await harness.reset()
    })
    afterAll(() => harness.stop())

    test('statements, relational queries and prepared ones run on managed connections, and give them back', async () => {
      const db = open()
      await db.insert(users).values({ name: 'Ada' })
      await db.insert(posts).values({ title: 'Notes', authorId: 1 })
      expect(await db.query.users.findMany({ with: { posts: true } })).toEqual([
        { id: 1, name: 'Ada', posts: [{ id: 1, title: 'Notes', authorId: 1 }] },
      ])
      const byName = db
        .select()
        .from(users)
        .where(eq(users.name as never, sql.placeholder('name')))
        .prepare('by_name')
      for (let round = 0; round < 3; round += 1)
        expect(await byName.execute({ name: 'Ada' })).toEqual([{ id: 1, name: 'Ada' }])
      expect(db.$client).toBe((db.$connections as unknown as { pool: object }).pool)
      const { checkedOut, totalCheckouts } = db.$connections.getPoolMetrics()
      expect(checkedOut).toBe(0)
      expect(totalCheckouts).toBeGreaterThan(2)
    })

    test('a rollback keeps nothing, and nested transactions are savepoints', async () => {
      const db = open()
      const undone = db.transaction(async (tx) => {
        await tx.insert(users).values({ name: 'undone' })
        throw new Error(UNDONE)
      })
      await expect(undone).rejects.toThrow(UNDONE)
      const result = await db.transaction(async (tx) => {
        await tx.insert(users).values({ name: 'kept' })
        await tx
          .transaction(async (inner) => {
            await inner.insert(users).values({ name: 'dropped' })
            throw new Error('inner')
          })
          .catch(() => {})
        return 'done'
      })
      expect(result).toBe('done')
      expect(await namesIn(db)).toEqual(['kept'])
      expect(db.$connections.getPoolMetrics().checkedOut).toBe(0)
    })

    test('of 50 concurrent callers of mixed transactions nobody loses anything or sees what others undo', async () => {
      const db = open()
      const acknowledged: string[] = []
      const failures: unknown[] = []
      const increment: SQL = sql`${counters.n} + 1`
      const call = async (number: number): Promise<void> => {
        const name = `caller ${number}`
        const kind = number % 5
        if (kind === 0) await db.insert(users).values({ name })
        else if (kind === 1) await db.select().from(users)
        else
          await db.transaction(async (tx) => {
            await tx
              .update(counters)
              .set({ n: increment })
              .where(eq(counters.id as never, 1))
            await tx.insert(users).values({ name })
            if (kind === 2) throw new Error(UNDONE)
            if (kind === 4)
              await tx
                .transaction(async (inner) => {
                  await inner.insert(users).values({ name: `${name} inner` })
                  throw new Error(UNDONE)
                })
                .catch(() => {})
            expect(await tx.select().from(users).where(named(name))).toHaveLength(1)
          })
        if (kind !== 1) acknowledged.push(name)
      }
      await Promise.all(
        Array.from({ length: CALLERS }, (_, number) =>
          call(number).catch((error: unknown) => {
            if ((error as Error).message !== UNDONE) failures.push(error)
          }),
        ),
      )
      expect(failures).toEqual([])
      expect((await namesIn(db)).sort()).toEqual(acknowledged.sort())
      expect(acknowledged).toHaveLength((CALLERS / 5) * 3)
      expect(await db.select().from(counters)).toEqual([{ id: 1, n: (CALLERS / 5) * 2 }])
      expect(db.$connections.getPoolMetrics()).toMatchObject({ checkedOut: 0, waiting: 0 })
    })

    test('a failed ROLLBACK does not hide the error that made it necessary', async () => {
      const db = open()
      const running = db.transaction(async (tx) => {
        await tx.insert(users).values({ name: 'lost' })
        await harness.cutOff(tx)
        throw new Error('the first')
      })
      await expect(running).rejects.toThrow('the first')
      expect(db.$connections.getPoolMetrics().checkedOut).toBe(0)
      expect(await namesIn(db)).toEqual([])
    })

    test('a leak is named by function, file and line', async () => {
      const db = open({ leakDetection: { thresholdMs: 50, captureStack: 'always' } })
      let letGo = (): void => {}
      const stuck = new Promise<void>((resolve) => {
        letGo = resolve
      })
      async function forgetful() {
        await db.transaction(async (tx) => {
          await tx.insert(users).values({ name: 's3cr3t' })
          await stuck
        })
      }
      const detected = new Promise((resolve) => db.$connections.on('leakDetected', resolve))
      const working = forgetful()
      await detected
      const leaks = db.$connections.detectLeaks()
      expect(leaks).toMatchObject([
        {
          checkedOutBy: expect.stringMatching(/^forgetful \(.*describe-database\.ts:\d+:\d+\)$/),
          lastQuery: expect.stringMatching(/^insert into/),
        },
      ])
      expect(inspect(leaks, { depth: 9 })).not.toContain('s3cr3t')
      letGo()
      await working
      expect(db.$connections.getPoolMetrics().checkedOut).toBe(0)
    })

    test('the code of a pool error is in the cause, and the failed call holds nothing', async () => {
      const db = keep(harness.openSingle({ acquireTimeoutMs: patient(100) }))
      let letGo = (): void => {}
      const holding = new Promise<void>((begun, failed) => {
        db.transaction(async () => {
          begun()
          await new Promise<void>((resolve) => {
            letGo = resolve
          })
        }).catch(failed)
      })
      await holding
      await expect(
        Promise.resolve(db.insert(users).values({ name: 'late' })),
      ).rejects.toMatchObject({ cause: { code: 'CONNMGR_ACQUIRE_TIMEOUT' } })
      const late = await db.transaction(async () => {}).catch((error: unknown) => error)
      expect([late, (late as Error).cause]).toContainEqual(
        expect.objectContaining({ code: 'CONNMGR_ACQUIRE_TIMEOUT' }),
      )
      letGo()
      await db.insert(users).values({ name: 'in time' })
      expect(await namesIn(db)).toEqual(['in time'])
    })

    test('reads of a replicated database find what its primary has written', async () => {
      const db = keep(harness.openReplicated())
      await db.insert(users).values({ name: 'Ada' })
      expect(await namesIn(db.$primary)).toEqual(['Ada'])
      expect(db.$primary.$connections).toBe(db.$connections)
      await expect(
        db.transaction(async (tx) => {
          await tx.insert(users).values({ name: 'Grace' })
          return namesIn(tx)
        }),
      ).resolves.toEqual(['Ada', 'Grace'])
    })

    test('a manager that others use too is not closed with the database', async () => {
      const manager = harness.createManager()
      const db = harness.openOn(manager)
      expect(db.$connections).toBe(manager)
      await db.insert(users).values({ name: 'shared' })
      expect(await namesIn(harness.openOn(manager))).toEqual(['shared'])
      await manager.close()
    })

    test('close waits for a transaction and refuses what comes after it', async () => {
      const db = open()
      let closing: Promise<void> | undefined
      await db.transaction(async (tx) => {
        await tx.insert(users).values({ name: 'last' })
        closing = db.$connections.close()
        expect(await namesIn(tx)).toEqual(['last'])
      })
      await closing
      const late = await Promise.resolve(db.insert(users).values({ name: 'late' })).catch(
        (error: unknown) => error,
      )
      expect(late).toMatchObject({ cause: { code: 'CONNMGR_POOL_CLOSED' } })
      expect(await namesIn(open())).toEqual(['last'])
    })

    const { conflict } = harness
    if (conflict !== undefined)
      test('a transaction that meets a conflict is run again, and written once', async () => {
        const db = open()
        expect(await namesIn(db)).toEqual([])
        await harness.untilReplayable?.(db)
        const result = await harness.replayTransaction(db, async (tx, attempt) => {
          await tx.insert(users).values({ name: `attempt ${attempt}` })
          if (attempt < 3) await conflict(tx)
          return attempt
        })
        expect(result).toBe(3)
        expect(await namesIn(db)).toEqual(['attempt 3'])
      })

    test('an error of the work is not repeated by a replay', async () => {
      const db = open()
      let attempts = 0
      const running = harness.replayTransaction(db, async (tx) => {
        attempts += 1
        await tx.insert(users).values({ name: 'undone' })
        throw new Error('sold out')
      })
      await expect(running).rejects.toThrow('sold out')
      expect(attempts).toBe(1)
      expect(await namesIn(db)).toEqual([])
    })

    test('leaves nothing running if Drizzle refuses its configuration', async () => {
      const clock = new FakeClock()
      const bad = {
        get logger(): never {
          throw new Error('no logger')
        },
      }
      expect(() => harness.open({ clock }, bad)).toThrow('no logger')
      await clock.settle()
      expect(clock.pendingTimers).toBe(0)
    })

    test('a wrong option is refused at once, and nothing shows a password', async () => {
      expect(() => harness.openWrongly()).toThrow(
        expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION' }),
      )
      const db = open({ name: 'shop' })
      await db.insert(users).values({ name: 'Ada' })
      const shown = inspect([db, db.$client, db.$connections], { depth: 9 })
      expect(shown).toContain("name: 'shop'")
      if (harness.secret !== undefined) expect(shown).not.toContain(harness.secret)
    })
  })
}
