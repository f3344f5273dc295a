import { createConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/prisma'
import { patient } from '@connmgr/testing'
import { PrismaPg } from '@prisma/adapter-pg'
import { describeAdapter } from '../test/describe-adapter.js'
import { PrismaClient } from '../test/generated/client.js'
import type { AdapterHarness, ManagedShop, ShopClient } from '../test/harness.js'
import { clearShop, startShop } from '../test/shop.js'

async function setup(): Promise<AdapterHarness> {
  const cluster = await startShop()
  const databaseUrl = cluster.primary.url()
  const settings = { databaseUrl, poolSize: 3, maxOverflow: 0, logger: false } as const
  const transactionOptions = { maxWait: patient(30_000) }
  return {
    createManager: (options) => createConnectionManager({ ...settings, ...options }),
    open: (manager) =>
      withConnectionManager(
        (adapter) => new PrismaClient({ adapter, transactionOptions }),
        (manager ?? settings) as typeof settings,
      ) as unknown as ManagedShop,
    openPlain: () =>
      new PrismaClient({ adapter: new PrismaPg(databaseUrl) }) as unknown as ShopClient,
    occupy: async (manager) => {
      const leases = await Promise.all([1, 2, 3].map(() => manager.acquire()))
      return () => {
        for (const each of leases) each.release()
      }
    },
    clear: () => clearShop(cluster),
    close: () => cluster.stop(),
  }
}

describeAdapter('PostgreSQL', setup)
