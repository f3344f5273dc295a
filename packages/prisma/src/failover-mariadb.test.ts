import { withConnectionManager } from '@connmgr/prisma'
import { describeEachProduct, eventually, patient } from '@connmgr/testing'
import { PrismaClient } from '../test/mariadb/generated/client.js'
import { startShop } from '../test/mariadb/shop.js'

const WRITERS = 3

describeEachProduct('failover of Prisma', ({ start }) => {
  test('goes on writing on the promoted replica after the primary has crashed, and loses nothing', async () => {
    await using cluster = await startShop(start, { replicas: 1, synchronous: true })
    const { primary } = cluster
    const [replica] = cluster.replicas
    if (replica === undefined) throw new Error('two servers are needed')
    const prisma = withConnectionManager(PrismaClient, {
      databaseUrl: primary.url() as `mysql://${string}`,
      failoverUrls: [replica.url()],
      logger: false,
    })
    const acknowledged: string[] = []
    const failed: string[] = []
    let next = 0

    /** Writes users one after the other, by turns alone and in a transaction. */
    async function write(): Promise<void> {
      const email = `${next}@example.org`
      next += 1
      const data = { email, posts: { create: { title: email } } }
      const options = { maxWait: patient(20_000), timeout: patient(20_000) }
      try {
        if (next % 2 === 0) await prisma.user.create({ data: { email } })
        else await prisma.$transaction((tx) => tx.user.create({ data }), options)
        acknowledged.push(email)
      } catch {
        failed.push(email)
      }
    }

    for (let round = 0; round < 5; round += 1) await write()
    expect(failed).toEqual([])
    let writing = true
    const writers = Array.from({ length: WRITERS }, async () => {
      while (writing) await write()
    })
    const atCrash = next
    await eventually(() => next >= atCrash + 10)
    await primary.crash()
    await replica.promote()
    const promotedAt = acknowledged.length
    await eventually(() => acknowledged.length >= promotedAt + 20)
    writing = false
    await Promise.all(writers)

    const rows = await replica.query<{ email: string }>('select email from User')
    const kept = new Set(rows.map(({ email }) => email))
    expect(acknowledged.filter((email) => !kept.has(email))).toEqual([])
    // Each writer had at most one write under way when its connection died; all others waited.
    expect(failed.length).toBeLessThanOrEqual(WRITERS)
    expect(prisma.$connections.getFailoverStatus()).toMatchObject({ failovers: 1 })
    await prisma.$disconnect()
  })
})
