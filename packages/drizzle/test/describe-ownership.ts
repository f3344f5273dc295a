import { inspect } from 'node:util'
import { FakeClock } from '@connmgr/testing'
import type { Databases } from './databases.js'

/** A manager is made, refused and closed with its database, unless others use it. */
export function describeOwnership<Manager>(databases: Databases<Manager>): void {
  const { harness } = databases
  const { users } = harness

  test('a manager that others use too is not closed with the database', async () => {
    const manager = harness.createManager()
    const db = harness.openOn(manager)
    expect(db.$connections).toBe(manager)
    await db.insert(users).values({ name: 'shared' })
    expect(await databases.namesIn(harness.openOn(manager))).toEqual(['shared'])
    await manager.close()
  })

  test('close waits for a transaction and refuses what comes after it', async () => {
    const db = databases.open()
    let closing: Promise<void> | undefined
    await db.transaction(async (tx) => {
      await tx.insert(users).values({ name: 'last' })
      closing = db.$connections.close()
      expect(await databases.namesIn(tx)).toEqual(['last'])
    })
    await closing
    const late = await Promise.resolve(db.insert(users).values({ name: 'late' })).catch(
      (error: unknown) => error,
    )
    expect(late).toMatchObject({ cause: { code: 'CONNMGR_POOL_CLOSED' } })
    expect(await databases.namesIn(databases.open())).toEqual(['last'])
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
    const db = databases.open({ name: 'shop' })
    await db.insert(users).values({ name: 'Ada' })
    const shown = inspect([db, db.$client, db.$connections], { depth: 9 })
    expect(shown).toContain("name: 'shop'")
    if (harness.secret !== undefined) expect(shown).not.toContain(harness.secret)
  })
}
