import { replayTransaction } from '@connmgr/prisma'
import { allAtOnce, CALLERS_AT_ONCE, eventually, patient, UndoneError } from '@connmgr/testing'
import { type Clients, emails, type ShopClient } from './harness.js'

type ShopTransaction = Parameters<Parameters<ShopClient['$transaction']>[0]>[0]

/** Transactions keep all or nothing, and are run again only if that is safe. */
export function describeTransactions(clients: Clients): void {
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
    const caller = async (number: number): Promise<void> => {
      const email = `${String(number).padStart(2, '0')}@example.org`
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
          if (number % 3 === 2) throw new UndoneError()
        }, options)
      acknowledged.push(email)
    }
    const failures = await allAtOnce(caller)
    expect(failures).toEqual([])
    expect(await emails(prisma)).toEqual(acknowledged.sort())
    const posts = await prisma.post.findMany({ include: { author: true } })
    expect(posts.map(({ title }) => title)).toEqual(posts.map(({ author }) => author.email))
    expect(posts).toHaveLength(acknowledged.length - Math.ceil(CALLERS_AT_ONCE / 3))
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
