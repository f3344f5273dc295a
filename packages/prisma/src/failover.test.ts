import { setTimeout as delay } from 'node:timers/promises'
import { withConnectionManager } from '@connmgr/prisma'
import { patient } from '@connmgr/testing'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'

it('goes on writing on the promoted standby after the primary has crashed, and loses nothing', async () => {
  await using cluster = await startShop({ standbys: 1, synchronous: true })
  const [primary, standby] = cluster.nodes
  if (primary === undefined || standby === undefined) throw new Error('two servers are needed')
  const prisma = withConnectionManager(PrismaClient, {
    databaseUrl: primary.url(),
    failoverUrls: [standby.url()],
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
    try {
      if (next % 2 === 0) await prisma.user.create({ data })
      else await prisma.$transaction((tx) => tx.user.create({ data }), { maxWait: patient(20_000) })
      acknowledged.push(email)
    } catch {
      failed.push(email)
    }
  }

  for (let round = 0; round < 5; round += 1) await write()
  expect(failed).toEqual([])

  // A second client may read on the standby meanwhile.
  await prisma.$connections.start()
  const reader = new PrismaClient({ adapter: new PrismaPg(prisma.$connections.replica) })
  const place = 'select pg_is_in_recovery() as standby'
  expect(await reader.$queryRawUnsafe(place)).toEqual([{ standby: true }])
  expect(await prisma.$queryRawUnsafe(place)).toEqual([{ standby: false }])
  await reader.$disconnect()

  // Writes are under way while the primary dies and until its successor is there.
  let writing = true
  const writers = Array.from({ length: 3 }, async () => {
    while (writing) await write()
  })
  const atCrash = next
  while (next < atCrash + 10) await delay(5)
  await primary.crash()
  await standby.promote()
  const promotedAt = acknowledged.length
  while (acknowledged.length < promotedAt + 20) await delay(5)
  writing = false
  await Promise.all(writers)

  const rows = await standby.query<{ email: string; posts: string }>(
    `select email, (select count(*) from "Post" where "authorId" = u.id) as posts from "User" u`,
  )
  const kept = new Map(rows.map(({ email, posts }) => [email, posts]))
  expect(acknowledged.filter((email) => kept.get(email) !== '1')).toEqual([])
  // Each writer had at most one write under way when its connection died; all others waited.
  expect(failed.length).toBeLessThanOrEqual(writers.length)
  expect(prisma.$connections.getFailoverStatus()).toMatchObject({ failovers: 1 })
  await prisma.$disconnect()
})

it('reads on through a restart of its only server', async () => {
  await using cluster = await startShop()
  const prisma = withConnectionManager(PrismaClient, {
    databaseUrl: cluster.primary.url(),
    logger: false,
  })
  await prisma.user.create({ data: { email: 'ada@example.org' } })
  await cluster.primary.stop()
  const waiting = prisma.user.count()
  const counted = waiting.then((count) => count)
  await cluster.primary.start()
  expect(await counted).toBe(1)
  await prisma.$disconnect()
})
