import type { LeaseReport } from '@connmgr/core'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { connectionManagerAdapter, type Managed, withConnectionManager } from '@connmgr/prisma'
import { FakeClock, type PostgresCluster } from '@connmgr/testing'
import { Gate } from '../test/gate.js'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
let prisma: Managed<PrismaClient>

beforeAll(async () => {
  cluster = await startShop()
})
afterAll(() => cluster.stop())

beforeEach(() => {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    leakDetection: { thresholdMs: 60_000, captureStack: 'always' },
    logger: false,
  })
  prisma = withConnectionManager(PrismaClient, manager)
})
afterEach(async () => {
  await prisma.$disconnect()
  await manager.close()
})

/** Matches `function (file:line:column)` of a function in this file. */
const here = (name: string) =>
  expect.stringMatching(
    new RegExp(`^${name} \\(\\S*packages/prisma/src/leaks\\.test\\.ts:\\d+:\\d+\\)$`),
  )

/** The one lease there is while `work` sends a statement that waits for a lock. */
async function holderOf(work: () => Promise<unknown>): Promise<LeaseReport | undefined> {
  const lock = await manager.acquire()
  await lock.connection.query('begin; lock table "User"')
  const running = work()
  let holder: LeaseReport | undefined
  while (holder?.lastQuery === undefined) {
    await new Promise(setImmediate)
    holder = manager.getHolders().find(({ leaseId }) => leaseId !== lock.id)
  }
  await lock.connection.query('rollback')
  lock.release()
  await running
  return holder
}

describe('a leak report', () => {
  it('names the function that called a transaction which never ends', async () => {
    const clock = new FakeClock()
    await using watched = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      leakDetection: { thresholdMs: 60_000 },
      // A real server's answers do not come within the time of a fake clock.
      healthMonitoring: false,
      logger: false,
      clock,
    })
    const client = withConnectionManager(PrismaClient, watched)
    const begun = new Gate()
    const stuck = new Gate()
    function forgetTransaction(): Promise<void> {
      // Not awaited: no asynchronous stack leads here.
      return client.$transaction(
        async (tx) => {
          await tx.user.count()
          begun.open()
          await stuck.passed
        },
        { timeout: 600_000 },
      )
    }
    const leaks: LeaseReport[] = []
    watched.on('leakDetected', ({ lease }) => leaks.push(lease))
    const transaction = forgetTransaction()
    await begun.passed
    await clock.advance(61_000)
    expect(leaks).toEqual([
      expect.objectContaining({
        checkedOutBy: here('forgetTransaction'),
        stack: expect.stringContaining('at forgetTransaction ('),
        lastQuery: expect.stringContaining('COUNT'),
      }),
    ])
    expect(watched.detectLeaks()).toHaveLength(1)
    stuck.open()
    await transaction
    expect(watched.detectLeaks()).toEqual([])
    await client.$disconnect()
  })

  it('names who called a batch', async () => {
    function readBatch(): Promise<unknown> {
      return prisma.$transaction([prisma.user.count(), prisma.post.count()])
    }
    expect(await holderOf(readBatch)).toMatchObject({ checkedOutBy: here('readBatch') })
  })

  it('names who awaits a single query', async () => {
    async function listUsers(): Promise<void> {
      await prisma.user.findMany()
    }
    expect(await holderOf(listUsers)).toMatchObject({
      checkedOutBy: here('listUsers'),
      lastQuery: expect.stringContaining('FROM "public"."User"'),
    })
  })

  it('names who awaits one of several queries at once', async () => {
    async function gather(): Promise<void> {
      await Promise.all([prisma.user.findMany(), prisma.post.count()])
    }
    expect(await holderOf(gather)).toMatchObject({ checkedOutBy: here('gather') })
  })

  it('names who awaits a raw query, and shows its text without its values', async () => {
    async function search(): Promise<void> {
      await prisma.$queryRaw`select id from "User" where email = ${'secret@example.org'}`
    }
    expect(await holderOf(search)).toMatchObject({
      checkedOutBy: here('search'),
      lastQuery: 'select id from "User" where email = $1',
    })
  })

  it('names who awaits a transaction of a client that only has the adapter', async () => {
    const plain = new PrismaClient({ adapter: connectionManagerAdapter(manager) })
    async function countUsers(): Promise<void> {
      await plain.$transaction((tx) => tx.user.count())
    }
    // `checkedOutBy` leaves out packages, and here, unlike where it is installed, ours is none.
    expect(await holderOf(countUsers)).toMatchObject({
      stack: expect.stringMatching(/^at countUsers \(.*leaks\.test\.ts:/m),
    })
    await plain.$disconnect()
  })

  it('does not blame the transaction for what its callback acquires besides', async () => {
    async function borrow(): Promise<LeaseReport[]> {
      const lease = await manager.acquire()
      const holders = manager.getHolders()
      lease.release()
      return holders
    }
    async function transact(): Promise<LeaseReport[]> {
      return prisma.$transaction(async () => borrow())
    }
    const holders = await transact()
    expect(holders.map((holder) => holder.checkedOutBy)).toEqual([here('transact'), here('borrow')])
  })
})

it('captures nothing when leak detection is off', async () => {
  await using quiet = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    leakDetection: false,
    logger: false,
  })
  const client = withConnectionManager(PrismaClient, quiet)
  const holders = await client.$transaction(async () => quiet.getHolders())
  expect(holders).toEqual([expect.objectContaining({ checkedOutBy: undefined })])
  await client.$disconnect()
})
