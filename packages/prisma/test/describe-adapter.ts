import { type AnyConnectionManager, replayTransaction } from '@connmgr/prisma'
import { eventually, FakeClock, patient } from '@connmgr/testing'
import { describeErrors } from './describe-errors.js'
import { Gate } from './gate.js'
import { type AdapterHarness, Clients, type ShopClient } from './harness.js'

const CALLERS = 50

/**
 * Tests that a managed client of one database does all that a client of Prisma does, and what a manager adds to it. Every
 * binding calls this with a real database, which has the tables of `schema.prisma`.
 *
 * @param setup called once; its `close` is called at the end
 */
export function describeAdapter(name: string, setup: () => Promise<AdapterHarness>): void {
  describe(`Prisma over ${name}`, () => {
    let harness: AdapterHarness
    const clients = new Clients(() => harness)
    beforeAll(async () => {
      harness = await setup()
    })
    afterEach(async () => {
      await clients.close()
      await harness.clear()
    })
    afterAll(() => harness.close())
    describeWork(clients)
    describeTransactions(clients)
    describeOwnership(clients)
    describeLeaks(clients)
    describeErrors(clients)
  })
}

const emails = async (prisma: ShopClient): Promise<string[]> =>
  (await prisma.user.findMany({ orderBy: { email: 'asc' } })).map(({ email }) => email)

function describeWork(clients: Clients): void {
  test('creates, reads, updates and deletes through its models, and counts what it borrows', async () => {
    const prisma = clients.open()
    const { id } = await prisma.user.create({ data: { email: 'ada@example.org' } })
    await prisma.user.update({ where: { id }, data: { name: 'Ada' } })
    expect(await prisma.user.findMany({ select: { name: true } })).toEqual([{ name: 'Ada' }])
    expect(await prisma.user.updateMany({ data: { name: 'Grace' } })).toEqual({ count: 1 })
    await prisma.user.delete({ where: { id } })
    expect(await prisma.user.count()).toBe(0)
    const { checkedOut, waiting, totalCheckouts } = prisma.$connections.getPoolMetrics()
    expect({ checkedOut, waiting }).toEqual({ checkedOut: 0, waiting: 0 })
    expect(totalCheckouts).toBeGreaterThan(5)
  })

  test('writes nested records, reads them with include, and writes no part of what fails', async () => {
    const prisma = clients.open()
    const user = await prisma.user.create({
      data: { email: 'ada@example.org', posts: { create: [{ title: 'a' }, { title: 'b' }] } },
      include: { posts: true },
    })
    expect(user.posts.map(({ title, published }) => ({ title, published }))).toEqual([
      { title: 'a', published: false },
      { title: 'b', published: false },
    ])
    await expect(
      prisma.post.create({ data: { title: 'c', author: { create: { email: user.email } } } }),
    ).rejects.toMatchObject({ code: 'P2002' })
    expect(await prisma.post.count()).toBe(2)
  })

  test('keeps $connections and transactions in what $extends makes of it', async () => {
    const prisma = clients.open()
    const extended = prisma.$extends({ client: { answer: () => 42 } }) as unknown as ShopClient & {
      answer(): number
      $connections: AnyConnectionManager
    }
    await extended.$transaction((tx) => tx.user.create({ data: { email: 'a@example.org' } }))
    expect([extended.answer(), await extended.user.count()]).toEqual([42, 1])
    expect(extended.$connections).toBe(prisma.$connections)
  })
}

function describeTransactions(clients: Clients): void {
  test('commits a transaction that resolves, and rolls back one that rejects', async () => {
    const prisma = clients.open()
    const failure = new Error('no')
    const write = (email: string, error?: Error): Promise<unknown> =>
      prisma.$transaction(
        async (tx) => {
          await tx.user.create({ data: { email } })
          expect(await tx.user.count({ where: { email } })).toBe(1)
          if (error !== undefined) throw error
        },
        { isolationLevel: 'Serializable' },
      )
    await write('kept@example.org')
    await expect(write('undone@example.org', failure)).rejects.toBe(failure)
    expect(await emails(prisma)).toEqual(['kept@example.org'])
    expect(prisma.$connections.getPoolMetrics().checkedOut).toBe(0)
  })

  test('rolls a nested transaction back on its own', async () => {
    const prisma = clients.open()
    await prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: 'outer@example.org' } })
      const inner = tx.$transaction(async (nested) => {
        await nested.user.create({ data: { email: 'inner@example.org' } })
        throw new Error('no')
      })
      await expect(inner).rejects.toThrow('no')
    })
    expect(await emails(prisma)).toEqual(['outer@example.org'])
  })

  test('runs a batch in one transaction', async () => {
    const prisma = clients.open()
    const create = (email: string) => prisma.user.create({ data: { email } })
    const [user, count] = await prisma.$transaction([create('a@example.org'), prisma.user.count()])
    expect([user.email, count]).toEqual(['a@example.org', 1])
    await expect(
      prisma.$transaction([create('b@example.org'), create('a@example.org')]),
    ).rejects.toMatchObject({ code: 'P2002' })
    expect(await emails(prisma)).toEqual(['a@example.org'])
  })

  test('50 callers of mixed transactions: nothing is lost, and nothing comes between', async () => {
    const prisma = clients.open()
    const options = { maxWait: patient(30_000), timeout: patient(30_000) }
    const acknowledged: string[] = []
    const failures: unknown[] = []
    const caller = async (number: number): Promise<void> => {
      const email = `${String(number).padStart(2, '0')}@example.org`
      try {
        if (number % 3 === 0)
          await prisma.$transaction([
            prisma.user.create({ data: { email } }),
            prisma.user.updateMany({ where: { email }, data: { name: 'batch' } }),
          ])
        else
          await prisma.$transaction(async (tx) => {
            const author = await tx.user.create({ data: { email } })
            await tx.post.create({ data: { title: email, authorId: author.id } })
            expect(await tx.post.count({ where: { authorId: author.id } })).toBe(1)
            if (number % 3 === 2) throw new Error('undo')
          }, options)
        acknowledged.push(email)
      } catch (error) {
        if ((error as Error).message !== 'undo') failures.push(error)
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)))
    expect(failures).toEqual([])
    expect(await emails(prisma)).toEqual(acknowledged.sort())
    const posts = await prisma.post.findMany({ include: { author: true } })
    expect(posts.map(({ title }) => title)).toEqual(posts.map(({ author }) => author.email))
    expect(posts).toHaveLength(acknowledged.length - Math.ceil(CALLERS / 3))
    expect(prisma.$connections.getPoolMetrics()).toMatchObject({ checkedOut: 0, waiting: 0 })
  })

  test('runs a transaction again that has met a conflict, and no other', async () => {
    const prisma = clients.open()
    const attempts: number[] = []
    const work = (code: string) =>
      replayTransaction(prisma, async (tx: ShopTransaction, attempt) => {
        attempts.push(attempt)
        await tx.user.create({ data: { email: `${code}-${attempt}@example.org` } })
        if (attempt === 1) throw Object.assign(new Error('no'), { code })
      })
    // Until a server has said whether all its tables take part in transactions, nothing is run again on it.
    await eventually(() =>
      work('P2034').then(
        () => true,
        () => false,
      ),
    )
    await expect(work('E_OTHER')).rejects.toMatchObject({ code: 'E_OTHER' })
    expect(attempts.slice(-3)).toEqual([1, 2, 1])
    expect(await emails(prisma)).toEqual(['P2034-2@example.org'])
    expect(prisma.$connections.getReplayStats()).toMatchObject({ replays: 1 })
  })
}

type ShopTransaction = Parameters<Parameters<ShopClient['$transaction']>[0]>[0]

function describeOwnership(clients: Clients): void {
  test('closes a manager of its own at $disconnect, and makes another one when it is used again', async () => {
    const prisma = clients.openOwn()
    await prisma.user.count()
    const first = prisma.$connections
    await prisma.$disconnect()
    await prisma.$disconnect()
    expect(first.closed).toBe(true)
    expect(await prisma.$transaction((tx) => tx.user.count())).toBe(0)
    expect(prisma.$connections).not.toBe(first)
    await prisma.$disconnect()
    expect(prisma.$connections.closed).toBe(true)
  })

  test('leaves a manager open that was passed in, and says so once that is closed', async () => {
    const prisma = clients.open()
    const { $connections: manager } = prisma
    await prisma.user.count()
    await prisma.$disconnect()
    expect(manager.closed).toBe(false)
    expect(await prisma.user.count()).toBe(0)
    await prisma.$disconnect()
    await manager.close()
    const closed = { code: 'CONNMGR_POOL_CLOSED' }
    await expect(prisma.user.count()).rejects.toMatchObject(closed)
    await expect(prisma.$transaction((tx) => tx.user.count())).rejects.toMatchObject(closed)
  })

  test('rolls back at $disconnect what is still open', async () => {
    const prisma = clients.openOwn()
    const begun = new Gate()
    const stuck = new Gate()
    const transaction = prisma.$transaction(async (tx) => {
      await tx.user.create({ data: { email: 'forgotten@example.org' } })
      begun.open()
      await stuck.passed
    })
    await begun.passed
    await prisma.$disconnect()
    expect(await emails(clients.open())).toEqual([])
    stuck.open()
    await expect(transaction).rejects.toThrow()
    await prisma.$disconnect()
  })
}

/** Matches `function (file:line:column)` of a function in this file. */
const here = (name: string) =>
  expect.stringMatching(
    new RegExp(`^${name} \\(\\S*packages/prisma/test/describe-adapter\\.ts:\\d+:\\d+\\)$`),
  )

function describeLeaks(clients: Clients): void {
  test('a leak report names the function, file and line that called a transaction which never ends', async () => {
    const clock = new FakeClock()
    const prisma = clients.open({
      leakDetection: { thresholdMs: 60_000 },
      healthMonitoring: false,
      clock,
    })
    const begun = new Gate()
    const stuck = new Gate()
    function forgetTransaction(): Promise<void> {
      // Not awaited: no asynchronous stack leads here.
      return prisma.$transaction(
        async (tx) => {
          await tx.user.count()
          begun.open()
          await stuck.passed
        },
        { timeout: 600_000 },
      )
    }
    const transaction = forgetTransaction()
    await begun.passed
    await clock.advance(61_000)
    expect(prisma.$connections.detectLeaks()).toEqual([
      expect.objectContaining({
        checkedOutBy: here('forgetTransaction'),
        lastQuery: expect.stringContaining('COUNT'),
      }),
    ])
    stuck.open()
    await transaction
    expect(prisma.$connections.detectLeaks()).toEqual([])
  })

  test('does not blame a transaction for what its callback acquires besides', async () => {
    const prisma = clients.open()
    async function borrow(): Promise<unknown[]> {
      const lease = await prisma.$connections.acquire({ target: 'prefer-standby' })
      const holders = prisma.$connections.getHolders()
      lease.release()
      return holders.map(({ checkedOutBy }) => checkedOutBy)
    }
    async function transact(): Promise<unknown[]> {
      return prisma.$transaction(() => borrow())
    }
    expect((await transact()).sort()).toEqual([here('borrow'), here('transact')])
  })
}
