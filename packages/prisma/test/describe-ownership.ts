import { Gate } from './gate.js'
import { type Clients, emails } from './harness.js'

/** A manager is closed with its client, unless it was passed in. */
export function describeOwnership(clients: Clients): void {
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
