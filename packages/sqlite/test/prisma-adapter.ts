import { PrismaLibSql } from '@prisma/adapter-libsql'
import type { LibsqlClient } from '../src/client/libsql-client.js'

type SqlAdapter = Awaited<ReturnType<PrismaLibSql['connect']>>

/** Prisma's own adapter for libSQL, with a client of ours in place of the one that it would make. */
class OverOurClient extends PrismaLibSql {
  constructor(readonly client: LibsqlClient) {
    super({ url: ':memory:' })
  }

  override createClient(): ReturnType<PrismaLibSql['createClient']> {
    return this.client as unknown as ReturnType<PrismaLibSql['createClient']>
  }
}

/**
 * What @connmgr/prisma needs for SQLite: Prisma's adapter runs all that goes through it behind one mutex, also reads beside
 * an open transaction, so each call and each transaction gets an adapter of its own over the same client.
 */
export function sqliteAdapter(client: LibsqlClient): PrismaLibSql {
  const factory = new OverOurClient(client)
  const connect = (): Promise<SqlAdapter> =>
    OverOurClient.prototype.connect.call(factory) as Promise<SqlAdapter>
  factory.connect = async () => {
    const adapter = await connect()
    return Object.assign(adapter, {
      queryRaw: async (query) => (await connect()).queryRaw(query),
      executeRaw: async (query) => (await connect()).executeRaw(query),
      executeScript: async (script) => (await connect()).executeScript(script),
      startTransaction: async (level) => (await connect()).startTransaction(level),
      dispose: async () => {},
    } satisfies Partial<SqlAdapter>) as never
  }
  return factory
}
