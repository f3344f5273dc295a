import { eventually, patient } from '@connmgr/testing'
import { Gate } from './gate.js'
import type { Clients, ShopClient } from './harness.js'

/** Ways to fail that every database has. */
const FAILURES: readonly [string, (prisma: ShopClient) => Promise<unknown>][] = [
  [
    'a second row with a unique value',
    (prisma) => prisma.user.create({ data: { email: 'taken@example.org' } }),
  ],
  [
    'a reference to nothing',
    (prisma) => prisma.post.create({ data: { title: 'a', authorId: 12_345 } }),
  ],
  ['an update of nothing', (prisma) => prisma.user.update({ where: { id: 0 }, data: {} })],
  [
    'a search for what must be there',
    (prisma) => prisma.user.findFirstOrThrow({ where: { id: 0 } }),
  ],
  ['a raw query with a mistake', (prisma) => prisma.$queryRawUnsafe('selct 1')],
  [
    'a raw query of a table that is not there',
    (prisma) => prisma.$queryRawUnsafe('select * from nowhere'),
  ],
  [
    'a raw query of a column that is not there',
    (prisma) => prisma.$queryRawUnsafe('select nothing from Post'),
  ],
  [
    'a unique value in a transaction',
    (prisma) =>
      prisma.$transaction((tx) => tx.user.create({ data: { email: 'taken@example.org' } })),
  ],
]

/** What a program may look at. */
async function seenOf(work: Promise<unknown>): Promise<object> {
  try {
    await work
    return { succeeded: true }
  } catch (error) {
    const {
      name,
      code,
      meta = {},
    } = error as {
      name: string
      code?: string
      meta?: Record<string, unknown>
    }
    const { driverAdapterError, ...rest } = meta as { driverAdapterError?: { cause?: object } }
    const { kind, constraint, table } = (driverAdapterError?.cause ?? {}) as Record<string, unknown>
    // Prisma's adapter for libSQL says "sqlite" of much that the one for better-sqlite3 has better words for.
    const cause = kind === 'sqlite' ? expect.anything() : { kind, constraint, table }
    return { name, code, meta: rest, cause }
  }
}

/** Tests of errors: those of the database are as Prisma's own adapter gives them, those of a manager keep their code. */
export function describeErrors(clients: Clients): void {
  test.each(FAILURES)('says of %s what Prisma says by itself', async (_what, fail) => {
    const plain = clients.openPlain()
    const prisma = clients.open()
    await prisma.user.create({ data: { email: 'taken@example.org' } })
    const expected = await seenOf(fail(plain))
    expect(expected).toMatchObject({ name: 'PrismaClientKnownRequestError' })
    expect(await seenOf(fail(prisma))).toEqual(expected)
    expect(prisma.$connections.getPoolMetrics().checkedOut).toBe(0)
  })

  test('says who holds what a statement has waited for in vain', async () => {
    const prisma = clients.open({ acquireTimeoutMs: patient(100) })
    const giveBack = await clients.harness.occupy(prisma.$connections)
    const write = prisma.user.create({ data: { email: 'a@example.org' } })
    await expect(write).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      message: expect.stringMatching(/in use|held/),
    })
    giveBack()
    expect(await prisma.user.count()).toBe(0)
  })

  test('a transaction that waits longer than its maxWait leaves nothing behind', async () => {
    const prisma = clients.open()
    await prisma.$connect()
    const giveBack = await clients.harness.occupy(prisma.$connections)
    await expect(
      prisma.$transaction((tx) => tx.user.count(), { maxWait: 50 }),
    ).rejects.toMatchObject({ code: 'P2028' })
    giveBack()
    expect(await prisma.$transaction((tx) => tx.user.count())).toBe(0)
    // What was given up may still get its connection, and gives it back by itself.
    await eventually(() => {
      const { checkedOut, waiting } = prisma.$connections.getPoolMetrics()
      return checkedOut === 0 && waiting === 0
    })
  })

  test('a transaction that outlives its timeout is undone, and gives its connection back', async () => {
    const prisma = clients.open()
    await prisma.$connect()
    const expired = new Gate()
    const transaction = prisma.$transaction(
      async (tx) => {
        await tx.user.create({ data: { email: 'late@example.org' } })
        prisma.$connections.on('connectionReleased', () => expired.open())
        await expired.passed
        await tx.user.count()
      },
      { timeout: 100 },
    )
    await expect(transaction).rejects.toMatchObject({ code: 'P2028' })
    expect(await prisma.user.count()).toBe(0)
    expect(prisma.$connections.getPoolMetrics().checkedOut).toBe(0)
  })
}
