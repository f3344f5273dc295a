import * as drizzle from '@connmgr/drizzle'
import {
  createConnectionManager,
  ManagedPool,
  type PgConnectionManager,
  type PgManagerOptions,
} from '@connmgr/pg'
import * as prisma from '@connmgr/prisma'
import * as typeorm from '@connmgr/typeorm'
import { sql } from 'drizzle-orm'
import { DataSource } from 'typeorm'
import { PrismaClient } from '../packages/prisma/test/generated/client.js'

/** An ORM on a manager, as far as these tests use it. */
export interface Access {
  readonly connections: PgConnectionManager
  query(text: string): Promise<unknown[]>
  /** Leaks one connection, until the returned function is called. */
  leak(): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** Ways into the engine, each opened with the options of a manager of its own, or with a manager of somebody else. */
export const ADAPTERS: Readonly<
  Record<string, (manager: PgManagerOptions | PgConnectionManager) => Promise<Access>>
> = {
  pg: async (given) => {
    const manager = 'acquire' in given ? given : createConnectionManager(given)
    return {
      connections: manager,
      query: (text) => manager.use(async (client) => (await client.query(text)).rows),
      leak: async () => {
        const lease = await manager.acquire()
        return async () => lease.release()
      },
      close: async () => {
        if (manager !== given) await manager.close()
      },
    }
  },
  ManagedPool: async (given) => {
    const pool = 'acquire' in given ? given.pool : new ManagedPool(given)
    return {
      connections: pool.$connections,
      query: async (text) => (await pool.query(text)).rows,
      leak: async () => {
        const client = await pool.connect()
        return async () => client.release()
      },
      close: async () => {
        if (!('acquire' in given)) await pool.end()
      },
    }
  },
  TypeORM: async (given) => {
    const dataSource = await new DataSource(
      typeorm.withConnectionManager({ type: 'postgres' }, given),
    ).initialize()
    return {
      connections: typeorm.getConnections(dataSource),
      query: (text) => dataSource.query(text),
      leak: async () => {
        const runner = dataSource.createQueryRunner()
        await runner.connect()
        return () => runner.release()
      },
      close: () => dataSource.destroy(),
    }
  },
  Prisma: async (given) => {
    const client = prisma.withConnectionManager(PrismaClient, given)
    return {
      connections: client.$connections,
      query: (text) => client.$queryRawUnsafe<unknown[]>(text),
      leak: () => leakIn((work) => client.$transaction(work, { timeout: 60_000 })),
      close: () => client.$disconnect(),
    }
  },
  Drizzle: async (given) => {
    const db = drizzle.withConnectionManager({}, given)
    return {
      connections: db.$connections,
      query: async (text) => (await db.execute(sql.raw(text))).rows,
      leak: () => leakIn((work) => db.transaction(work)),
      close: async () => {
        if (!('acquire' in given)) await db.$connections.close()
      },
    }
  },
}

/** Keeps a transaction open until the returned function is called. */
async function leakIn(
  transaction: (work: () => Promise<void>) => Promise<void>,
): Promise<() => Promise<void>> {
  let end = (): void => {}
  let done: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    done = transaction(async () => {
      resolve()
      await new Promise<void>((stop) => {
        end = stop
      })
    })
    done.catch(reject)
  })
  return () => {
    end()
    return done
  }
}
