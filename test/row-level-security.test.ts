import { AsyncLocalStorage } from 'node:async_hooks'
import * as drizzle from '@connmgr/drizzle'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import * as prisma from '@connmgr/prisma'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import * as typeorm from '@connmgr/typeorm'
import { sql } from 'drizzle-orm'
import { pgTable, text } from 'drizzle-orm/pg-core'
import { DataSource, EntitySchema } from 'typeorm'
import { PrismaClient } from '../packages/prisma/test/generated/client.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
const requests = new AsyncLocalStorage<string>()
const TENANTS = Array.from({ length: 8 }, (_, n) => `t${n}`)

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(`
    create role app login password 'app';
    create table "User" (id serial primary key, email text not null unique, name text);
    create table "Post" (id serial primary key, title text, published boolean default false, "authorId" int);
    alter table "User" enable row level security;
    create policy own on "User" using (name = current_setting('app.tenant', true));
    grant all on all tables in schema public to app;
    grant all on all sequences in schema public to app;
    insert into "User" (email, name) select t || '-' || n, t
      from unnest(array['${TENANTS.join("','")}']) t, generate_series(1, 5) n;
  `)
})
afterAll(() => cluster.stop())

beforeEach(() => {
  const url = new URL(cluster.primary.url())
  url.username = 'app'
  url.password = 'app'
  manager = createConnectionManager({
    databaseUrl: url.href,
    healthMonitoring: false,
    logger: false,
    // Fewer than there are tenants, so that each connection is for many of them.
    poolSize: 3,
    maxOverflow: 0,
    acquireTimeoutMs: 120_000,
    onAcquire: async (client) => {
      const tenant = requests.getStore()
      if (tenant !== undefined)
        await client.query("select set_config('app.tenant', $1, false)", [tenant])
    },
  })
})
afterEach(() => manager.close({ drainTimeoutMs: 0 }))

/** What one tenant sees: the owners of the rows, and of a row of another by its key. */
interface Seen {
  readonly owners: unknown[]
  readonly ofAnother: unknown
}
type Look = (another: string) => Promise<Seen>
interface Way {
  readonly look: Look
  readonly close?: () => Promise<unknown>
}

const Users = new EntitySchema<{ id: number; email: string; name: string }>({
  name: 'User',
  tableName: 'User',
  columns: {
    id: { type: 'int', primary: true, generated: true },
    email: { type: 'text' },
    name: { type: 'text' },
  },
})
const users = pgTable('User', { email: text(), name: text() })
const namesOf = (rows: readonly { name?: string | null }[]) => rows.map(({ name }) => name)

const WAYS: Record<string, () => Promise<Way>> = {
  pg: async () => ({
    look: async (another) => ({
      owners: namesOf((await manager.pool.query('select name from "User"')).rows),
      ofAnother: (await manager.pool.query('select * from "User" where email = $1', [another]))
        .rows[0],
    }),
  }),
  'a transaction of the manager': async () => ({
    look: (another) =>
      manager.transaction(async (client) => ({
        owners: namesOf((await client.query('select name from "User"')).rows),
        ofAnother: (await client.query('select * from "User" where email = $1', [another])).rows[0],
      })),
  }),
  TypeORM: async () => {
    const source = new DataSource(
      typeorm.withConnectionManager({ type: 'postgres', entities: [Users] }, manager),
    )
    await source.initialize()
    return {
      look: async (another) => {
        const owners = namesOf(await source.manager.find(Users))
        const ofAnother = await source.manager.findOneBy(Users, { email: another })
        const inTransaction = await source.transaction((entities) => entities.find(Users))
        return { owners: [...owners, ...namesOf(inTransaction)], ofAnother: ofAnother ?? undefined }
      },
      close: () => source.destroy(),
    }
  },
  Prisma: async () => {
    const client = prisma.withConnectionManager(PrismaClient, manager)
    return {
      // At once with the others: what Prisma reads by a unique key in one tick it would read in one statement.
      look: async (another) => {
        const [found, rows] = await Promise.all([
          client.user.findUnique({ where: { email: another } }),
          client.user.findMany(),
        ])
        const inTransaction = await client.$transaction((tx) => tx.user.findMany(), {
          maxWait: 60_000,
          timeout: 60_000,
        })
        return {
          owners: [...namesOf(rows), ...namesOf(inTransaction)],
          ofAnother: found ?? undefined,
        }
      },
      close: () => client.$disconnect(),
    }
  },
  Drizzle: async () => {
    const db = drizzle.withConnectionManager({}, manager)
    return {
      look: async (another) => ({
        owners: [
          ...namesOf(await db.select().from(users)),
          ...(await db.transaction((tx) => tx.select().from(users).then(namesOf))),
        ],
        ofAnother: (await db.execute(sql`select * from "User" where email = ${another}`)).rows[0],
      }),
    }
  },
}

test.each(Object.keys(WAYS))(
  'through %s no tenant ever sees a row of another, however many share the connections',
  async (name) => {
    const { look, close } = await (WAYS[name] as (typeof WAYS)[string])()
    const rounds = Array.from({ length: 80 }, (_, n) => TENANTS[n % TENANTS.length] as string)
    const seen = await Promise.all(
      rounds.map(async (tenant, n) => {
        const another = TENANTS[(n + 1) % TENANTS.length] as string
        const own = await requests.run(tenant, () => look(`${another}-1`))
        return { tenant, ...own }
      }),
    )
    for (const { tenant, owners, ofAnother } of seen) {
      expect(owners.length).toBeGreaterThanOrEqual(5)
      expect(new Set(owners)).toEqual(new Set([tenant]))
      expect(ofAnother).toBeUndefined()
    }
    // A caller that names no tenant sees nothing, also on a connection that was one's.
    expect((await look('t0-1')).owners).toEqual([])
    await close?.()
  },
)
