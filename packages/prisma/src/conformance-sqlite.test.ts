import { withConnectionManager } from '@connmgr/prisma'
import { createConnectionManager, type SqliteLibrary } from '@connmgr/sqlite'
import { Files } from '../../sqlite/test/files.js'
import { INSTALLED } from '../../sqlite/test/libraries.js'
import { describeAdapter } from '../test/describe-adapter.js'
import type { AdapterHarness, ManagedShop, ShopClient } from '../test/harness.js'
import { PrismaClient } from '../test/sqlite/generated/client.js'
import { createShop, openPlain } from '../test/sqlite/shop.js'

const files = new Files()
afterAll(() => files.remove())

async function setup(library: SqliteLibrary): Promise<AdapterHarness> {
  const filename = files.path()
  const settings = { filename, library, logger: false } as const
  const shop = createConnectionManager(settings)
  await createShop(shop)
  return {
    createManager: (options) => createConnectionManager({ ...settings, ...options }),
    open: (manager) =>
      (manager === undefined
        ? withConnectionManager(PrismaClient, settings)
        : withConnectionManager(PrismaClient, manager as typeof shop)) as ManagedShop,
    openPlain: () => openPlain(library, filename) as ShopClient,
    occupy: async (manager) => {
      const lease = await manager.acquire()
      return () => lease.release()
    },
    clear: () => shop.use((db) => db.exec('delete from Post; delete from User')),
    close: () => shop.close(),
  }
}

describe.each(INSTALLED)('%s', (library) => {
  describeAdapter(`SQLite by ${library}`, () => setup(library))
})
