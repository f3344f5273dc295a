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

type Query = (text: string) => Promise<unknown[]>

/** An ORM on a manager, as far as these tests use it. */
export interface Access {
  readonly connections: PgConnectionManager
  readonly query: Query
  /** Commits what `work` has sent, or rolls it back if it rejects. */
  transaction(work: (query: Query) => Promise<void>): Promise<void>
  /** Leaks one connection, until the returned function is called. */
  leak(): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** Ways into the engine, each opened with the options of a manager of its own, or with a manager of its caller. */
export const ADAPTERS: Readonly<
  Record<string, (manager: PgManagerOptions | PgConnectionManager) => Promise<Access>>
> = {
  pg: async (given) => {
    const manager = 'acquire' in given ? given : createConnectionManager(given)
    return {
      connections: manager,
      query: (text) => manager.use(async (client) => (await client.query(text)).rows),
      transaction: (work) =>
        manager.transaction((client) => work(async (text) => (await client.query(text)).rows)),
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
      transaction: async (work) => {
        const client = await pool.connect()
        try {
          await client.query('begin')
          await work(async (text) => (await client.query(text)).rows)
          await client.query('commit')
        } finally {
          client.release()
        }
      },
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
      transaction: (work) =>
        dataSource.transaction((entities) => work((text) => entities.query(text))),
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
      transaction: (work) =>
        client.$transaction((tx) => work((text) => tx.$queryRawUnsafe<unknown[]>(text))),
      leak: () => leakIn((work) => client.$transaction(work, { timeout: 60_000 })),
      close: () => client.$disconnect(),
    }
  },
  Drizzle: async (given) => {
    const db = drizzle.withConnectionManager({}, given)
    return {
      connections: db.$connections,
      query: async (text) => (await db.execute(sql.raw(text))).rows,
      transaction: (work) =>
        db.transaction((tx) => work(async (text) => (await tx.execute(sql.raw(text))).rows)),
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
