import { allAtOnce, CALLERS_AT_ONCE, UndoneError } from '@connmgr/testing'
import { eq, type SQL, sql } from 'drizzle-orm'
import type { Databases } from './databases.js'

/** Transactions keep all or nothing, and are run again only if that is safe. */
export function describeTransactions<Manager>(databases: Databases<Manager>): void {
  const { harness } = databases
  const { conflict, counters, users } = harness

  test('a rollback keeps nothing, and nested transactions are savepoints', async () => {
    const db = databases.open()
    const undone = db.transaction(async (tx) => {
      await tx.insert(users).values({ name: 'undone' })
      throw new UndoneError()
    })
    await expect(undone).rejects.toThrow(UndoneError)
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
    expect(await databases.namesIn(db)).toEqual(['kept'])
    expect(db.$connections.getPoolMetrics().checkedOut).toBe(0)
  })

  test('of 50 concurrent callers of mixed transactions none loses anything or sees what others undo', async () => {
    const db = databases.open()
    const acknowledged: string[] = []
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
          if (kind === 2) throw new UndoneError()
          if (kind === 4)
            await tx
              .transaction(async (inner) => {
                await inner.insert(users).values({ name: `${name} inner` })
                throw new UndoneError()
              })
              .catch(() => {})
          expect(
            await tx
              .select()
              .from(users)
              .where(eq(users.name as never, name)),
          ).toHaveLength(1)
        })
      if (kind !== 1) acknowledged.push(name)
    }
    const failures = await allAtOnce(call)
    expect(failures).toEqual([])
    expect((await databases.namesIn(db)).sort()).toEqual(acknowledged.sort())
    expect(acknowledged).toHaveLength((CALLERS_AT_ONCE / 5) * 3)
    expect(await db.select().from(counters)).toEqual([{ id: 1, n: (CALLERS_AT_ONCE / 5) * 2 }])
    expect(db.$connections.getPoolMetrics()).toMatchObject({ checkedOut: 0, waiting: 0 })
  })

  test('a failed ROLLBACK does not hide the error that made it necessary', async () => {
    const db = databases.open()
    const running = db.transaction(async (tx) => {
      await tx.insert(users).values({ name: 'lost' })
      await harness.cutOff(tx)
      throw new Error('the first')
    })
    await expect(running).rejects.toThrow('the first')
    expect(db.$connections.getPoolMetrics().checkedOut).toBe(0)
    expect(await databases.namesIn(db)).toEqual([])
  })

  if (conflict !== undefined)
    test('a transaction that meets a conflict is run again, and written once', async () => {
      const db = databases.open()
      expect(await databases.namesIn(db)).toEqual([])
      await harness.untilReplayable?.(db)
      const result = await harness.replayTransaction(db, async (tx, attempt) => {
        await tx.insert(users).values({ name: `attempt ${attempt}` })
        if (attempt < 3) await conflict(tx)
        return attempt
      })
      expect(result).toBe(3)
      expect(await databases.namesIn(db)).toEqual(['attempt 3'])
    })

  test('an error of the work is not repeated by a replay', async () => {
    const db = databases.open()
    let attempts = 0
    const running = harness.replayTransaction(db, async (tx) => {
      attempts += 1
      await tx.insert(users).values({ name: 'undone' })
      throw new Error('sold out')
    })
    await expect(running).rejects.toThrow('sold out')
    expect(attempts).toBe(1)
    expect(await databases.namesIn(db)).toEqual([])
  })
}
