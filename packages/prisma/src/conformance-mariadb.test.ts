import { createConnectionManager } from '@connmgr/mysql'
import { describeEachProduct, type MysqlLab, patient } from '@connmgr/testing'
import { describeAdapter } from '../test/describe-adapter.js'
import type { AdapterHarness, ManagedShop, ShopClient } from '../test/harness.js'
import { PrismaClient } from '../test/mariadb/generated/client.js'
import { openPlain, startShop } from '../test/mariadb/shop.js'
import { withConnectionManager } from './index.js'

async function setup({ start }: MysqlLab): Promise<AdapterHarness> {
  const cluster = await startShop(start)
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
    openPlain: () => openPlain(cluster) as unknown as ShopClient,
    occupy: async (manager) => {
      const leases = await Promise.all([1, 2, 3].map(() => manager.acquire()))
      return () => {
        for (const each of leases) each.release()
      }
    },
    clear: async () => {
      await cluster.primary.query('delete from Post')
      await cluster.primary.query('delete from User')
    },
    close: () => cluster.stop(),
  }
}

describeEachProduct('Prisma', (lab) => describeAdapter(lab.product.name, () => setup(lab)))
