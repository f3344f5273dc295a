import { inspect } from 'node:util'
import { patient } from '@connmgr/testing'
import { eq, sql } from 'drizzle-orm'
import type { Databases } from './databases.js'

/** Statements run on managed connections, which errors and leaks show. */
export function describeStatements<Manager>(databases: Databases<Manager>): void {
  const { harness } = databases
  const { posts, users } = harness

  test('statements, relational queries and prepared ones run on managed connections, and give them back', async () => {
    const db = databases.open()
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

  test('reads of a replicated database find what its primary has written', async () => {
    const db = databases.keep(harness.openReplicated())
    await db.insert(users).values({ name: 'Ada' })
    expect(await databases.namesIn(db.$primary)).toEqual(['Ada'])
    expect(db.$primary.$connections).toBe(db.$connections)
    await expect(
      db.transaction(async (tx) => {
        await tx.insert(users).values({ name: 'Grace' })
        return databases.namesIn(tx)
      }),
    ).resolves.toEqual(['Ada', 'Grace'])
  })

  test('a leak is named by function, file and line', async () => {
    const db = databases.open({ leakDetection: { thresholdMs: 50, captureStack: 'always' } })
    let letGo = (): void => {}
    const stuck = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let inserted = (): void => {}
    const insertion = new Promise<void>((resolve) => {
      inserted = resolve
    })
    async function forgetful() {
      await db.transaction(async (tx) => {
        await tx.insert(users).values({ name: 's3cr3t' })
        inserted()
        await stuck
      })
    }
    const detected = new Promise((resolve) => db.$connections.on('leakDetected', resolve))
    const working = forgetful()
    await Promise.all([detected, insertion])
    const leaks = db.$connections.detectLeaks()
    expect(leaks).toMatchObject([
      {
        checkedOutBy: expect.stringMatching(/^forgetful \(.*describe-statements\.ts:\d+:\d+\)$/),
        lastQuery: expect.stringMatching(/^insert into/),
      },
    ])
    expect(inspect(leaks, { depth: 9 })).not.toContain('s3cr3t')
    letGo()
    await working
    expect(db.$connections.getPoolMetrics().checkedOut).toBe(0)
  })

  test('the code of a pool error is in the cause, and the failed call holds nothing', async () => {
    const db = databases.keep(harness.openSingle({ acquireTimeoutMs: patient(100) }))
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
    await expect(Promise.resolve(db.insert(users).values({ name: 'late' }))).rejects.toMatchObject({
      cause: { code: 'CONNMGR_ACQUIRE_TIMEOUT' },
    })
    const late = await db.transaction(async () => {}).catch((error: unknown) => error)
    expect([late, (late as Error).cause]).toContainEqual(
      expect.objectContaining({ code: 'CONNMGR_ACQUIRE_TIMEOUT' }),
    )
    letGo()
    await db.insert(users).values({ name: 'in time' })
    expect(await databases.namesIn(db)).toEqual(['in time'])
  })
}
