import type { AnyConnectionManager } from '@connmgr/prisma'
import type { Clients, ShopClient } from './harness.js'

/** Models do what they do without a manager. */
export function describeModels(clients: Clients): void {
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
