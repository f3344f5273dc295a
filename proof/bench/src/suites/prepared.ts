import { createHash } from 'node:crypto'
import { withConnectionManager as drizzleWith } from '@connmgr/drizzle'
import type { PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager as prismaWith } from '@connmgr/prisma'
import { startCluster } from '@connmgr/testing'
import { PrismaPg } from '@prisma/adapter-pg'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { Kysely, PostgresDialect, sql as raw } from 'kysely'
import type pg from 'pg'
import postgres from 'postgres'
import { DataSource } from 'typeorm'
import { PrismaClient } from '../generated/client.js'
import { CONNECTIONS, managerOf, poolOf } from '../postgres-subjects.js'
import { CUSTOMERS, Customer, ENTITIES, schema, TABLES } from '../shop.js'
import { compareCases } from '../steady.js'
import type { Cases, Opener, Subject } from '../subjects.js'
import type { Suite } from '../suite.js'
import { throughTypeorm } from '../typeorm-subject.js'

const ROW = 'select id, name, email, city from "Customer" where id = $1'
const EVERYTHING = { orders: { lines: { product: { category: true } } } } as const
const WITH = {
  with: { orders: { with: { lines: { with: { product: { with: { category: true } } } } } } },
} as const
const INCLUDE = {
  include: {
    orders: { include: { lines: { include: { product: { include: { category: true } } } } } },
  },
} as const

type Ours = 'connmgr' | 'connmgr, off' | 'connmgr, shared'
const OPTIONS = {
  connmgr: {},
  'connmgr, off': { preparedStatements: 'off' },
  'connmgr, shared': { shared: true },
} as const

const managed = (url: string, name: Ours): PgConnectionManager => managerOf(url, OPTIONS[name])

const idOf = (n: number): number => n % CUSTOMERS

function byPool(
  text: string,
  named: boolean,
  pool: pg.Pool,
  close: () => Promise<unknown>,
): Subject {
  const name = named ? createHash('md5').update(text).digest('hex') : undefined
  return {
    query: (n) =>
      name === undefined
        ? pool.query(text, [idOf(n)])
        : pool.query({ name, text, values: [idOf(n)] }),
    close,
  }
}

/** One text by each method of sending it. */
function waysOf(textFor: (url: string) => Promise<string>): Record<string, Opener> {
  const ours =
    (name: Ours): Opener =>
    async (url) => {
      const manager = managed(url, name)
      const pool = manager.pool as unknown as pg.Pool
      return byPool(await textFor(url), false, pool, () => manager.close())
    }
  const theirs =
    (named: boolean): Opener =>
    async (url) => {
      const pool = poolOf(url)
      return byPool(await textFor(url), named, pool, () => pool.end())
    }
  return {
    connmgr: ours('connmgr'),
    'connmgr, off': ours('connmgr, off'),
    'connmgr, shared': ours('connmgr, shared'),
    'pg.Pool': theirs(false),
    'pg.Pool, named': theirs(true),
    'postgres.js': async (url) => {
      const text = await textFor(url)
      const sql = postgres(url, { max: CONNECTIONS })
      return {
        query: async (n) => sql.unsafe(text, [idOf(n)], { prepare: true }),
        close: () => sql.end(),
      }
    },
  }
}

const typeorm = (url: string, manager?: PgConnectionManager): Promise<Subject> =>
  throughTypeorm(
    url,
    ENTITIES,
    Customer,
    (repository, n) => repository.find({ where: { id: idOf(n) }, relations: EVERYTHING as never }),
    manager,
  )

/** The text that TypeORM writes for the same. */
async function textOfTypeorm(url: string): Promise<string> {
  const options = { type: 'postgres' as const, url, entities: ENTITIES }
  const dataSource = await new DataSource(options).initialize()
  try {
    return dataSource
      .getRepository(Customer)
      .createQueryBuilder('Customer')
      .setFindOptions({ where: { id: 1 }, relations: EVERYTHING as never })
      .getQueryAndParameters()[0]
  } finally {
    await dataSource.destroy()
  }
}

type Db = ReturnType<typeof drizzle<typeof schema>>

function relationalWith(db: Pick<Db, 'query'>, close: () => Promise<unknown>): Subject {
  return {
    query: async (n) =>
      db.query.customers.findFirst({ where: eq(schema.customers.id, idOf(n)), ...WITH }),
    close,
  }
}

function kyselyWith(pool: pg.Pool, close: () => Promise<unknown>): Subject {
  const db = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) })
  return {
    query: (n) =>
      raw`select c.id, c.name, c.email, c.city, o.id as "orderId", o."placedAt", o.status, l.id as "lineId", l.quantity,
          l.price, p.id as "productId", p.name as product, p.code, k.name as category
        from "Customer" c left join "Order" o on o."customerId" = c.id left join "OrderLine" l on l."orderId" = o.id
        left join "Product" p on p.id = l."productId" left join "Category" k on k.id = p."categoryId"
        where c.id = ${idOf(n)}`.execute(db),
    close,
  }
}

function prismaOf(client: PrismaClient, close: () => Promise<unknown>): Subject {
  return {
    // Not findUnique, of which Prisma makes one query for all that are asked at once.
    query: (n) => client.customer.findFirst({ where: { id: idOf(n) }, ...INCLUDE }),
    close,
  }
}

/** Of each ORM: itself, and with us under it. */
const ORMS: Cases = {
  typeorm: {
    connmgr: (url) => typeorm(url, managed(url, 'connmgr')),
    'connmgr, off': (url) => typeorm(url, managed(url, 'connmgr, off')),
    typeorm: (url) => typeorm(url),
  },
  drizzle: {
    ...oursUnder((manager) =>
      relationalWith(drizzleWith({ schema }, manager) as unknown as Db, () => manager.close()),
    ),
    drizzle: async (url) => {
      const pool = poolOf(url)
      return relationalWith(drizzle(pool, { schema }), () => pool.end())
    },
  },
  kysely: {
    ...oursUnder((manager) =>
      kyselyWith(manager.pool as unknown as pg.Pool, () => manager.close()),
    ),
    kysely: async (url) => {
      const pool = poolOf(url)
      return kyselyWith(pool, () => pool.end())
    },
  },
  prisma: {
    ...oursUnder((manager) => {
      const client = prismaWith(PrismaClient, manager)
      return prismaOf(client as unknown as PrismaClient, () => manager.close())
    }),
    'prisma, named': async (url) => {
      const statementNameGenerator = ({ sql }: { sql: string }): string =>
        createHash('md5').update(sql).digest('hex')
      const config = { connectionString: url, max: CONNECTIONS }
      const client = new PrismaClient({ adapter: new PrismaPg(config, { statementNameGenerator }) })
      return prismaOf(client, () => client.$disconnect())
    },
    prisma: async (url) => {
      const client = new PrismaClient({
        adapter: new PrismaPg({ connectionString: url, max: CONNECTIONS }),
      })
      return prismaOf(client, () => client.$disconnect())
    },
  },
}

function oursUnder(make: (manager: PgConnectionManager) => Subject): Record<string, Opener> {
  return Object.fromEntries(
    (['connmgr', 'connmgr, off', 'connmgr, shared'] as const).map((ours) => [
      ours,
      async (url: string) => make(managed(url, ours)),
    ]),
  )
}

/** @public as processes of contenders import it by the name of this file */
export const cases: Cases = {
  row: waysOf(async () => ROW),
  join: waysOf(textOfTypeorm),
  ...ORMS,
}

export const prepared: Suite = {
  name: 'prepared',
  about: `statements prepared by themselves, ${CONNECTIONS} connections; ratios to pg.Pool, or to the ORM without us`,
  // Each ratio is given beside its bound of noise, or not at all.
  peers: [],
  ifNamed: true,
  async run(settings) {
    const cluster = await startCluster()
    try {
      await cluster.primary.query(TABLES)
      const server = { url: cluster.primary.url(), pid: cluster.primary.pid }
      const only = process.env.BENCH_CASES?.split(',')
      const baseOf = (name: string): string =>
        name === 'row' || name === 'join' ? 'pg.Pool' : name
      const chosen = Object.fromEntries(
        Object.entries(cases).filter(([name]) => only?.includes(name) !== false),
      )
      return await compareCases(__filename, chosen, server, settings, { baseOf })
    } finally {
      await cluster.stop()
    }
  },
}
