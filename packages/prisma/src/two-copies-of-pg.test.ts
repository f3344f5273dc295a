import { connectionManagerAdapter, withConnectionManager } from '@connmgr/prisma'
import { PrismaClient } from '../test/generated/client.js'

// Loaded apart from everything else, @prisma/adapter-pg has a `pg` of its own, as it has after an install that could
// not agree on one version.
jest.mock('@prisma/adapter-pg', () => {
  let apart: unknown
  jest.isolateModules(() => {
    apart = jest.requireActual('@prisma/adapter-pg')
  })
  return apart
})

const settings = { databaseUrl: 'postgres://app:geheim@127.0.0.1:1/shop', logger: false } as const

it('reports that @prisma/adapter-pg has another copy of pg, instead of opening unmanaged connections', async () => {
  const prisma = withConnectionManager(PrismaClient, settings)
  const expected = {
    code: 'CONNMGR_UNSUPPORTED',
    message: expect.stringMatching(/two copies of the package "pg".*npm ls pg/s),
  }
  await expect(prisma.$connect()).rejects.toMatchObject(expected)
  await expect(prisma.user.count()).rejects.toMatchObject(expected)
  await expect(prisma.$transaction((tx) => tx.user.count())).rejects.toMatchObject(expected)
  await prisma.$disconnect()
})

it('reports it to clients that only use the adapter, too', async () => {
  const prisma = new PrismaClient({ adapter: connectionManagerAdapter(settings) })
  await expect(prisma.$queryRaw`select 1`).rejects.toMatchObject({ code: 'CONNMGR_UNSUPPORTED' })
  await prisma.$disconnect()
})
