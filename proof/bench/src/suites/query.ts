import { withConnectionManager as drizzleWith } from '@connmgr/drizzle'
import { ManagedPool, type PgConnectionManager, type PgManagerOptions } from '@connmgr/pg'
import { withConnectionManager as prismaWith } from '@connmgr/prisma'
import { startCluster } from '@connmgr/testing'
import { PrismaPg } from '@prisma/adapter-pg'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import type pg from 'pg'
import postgres from 'postgres'
import { EntitySchema } from 'typeorm'
import { PrismaClient } from '../generated/client.js'
import { CONNECTIONS, managerOf, poolOf } from '../postgres-subjects.js'
import { compareCases } from '../steady.js'
import { type Cases, type Opener, ROWS, type Subject } from '../subjects.js'
import type { Suite } from '../suite.js'
import { throughTypeorm } from '../typeorm-subject.js'

const items = pgTable('Item', { id: integer('id').primaryKey(), name: text('name').notNull() })
const Item = new EntitySchema<{ id: number; name: string }>({
  name: 'Item',
  tableName: 'Item',
  columns: { id: { type: 'int', primary: true }, name: { type: 'text' } },
})
const TEXT = 'select id, name from "Item" where id = $1'

const typeorm = (url: string, manager?: PgConnectionManager): Promise<Subject> =>
  throughTypeorm(url, [Item], Item, (repository, id) => repository.findOneBy({ id }), manager)

function selectWith(
  db: Pick<ReturnType<typeof drizzle>, 'select'>,
  close: () => Promise<unknown>,
): Subject {
  return { query: async (id) => db.select().from(items).where(eq(items.id, id)), close }
}

const POOLS: Cases = {
  'pool.query': {
    connmgr: async (url) => {
      const pool = new ManagedPool({ connectionString: url, max: CONNECTIONS, logger: false })
      return { query: (id) => pool.query(TEXT, [id]), close: () => pool.end() }
    },
    'pg.Pool': async (url) => {
      const pool = poolOf(url)
      return { query: (id) => pool.query(TEXT, [id]), close: () => pool.end() }
    },
    'postgres.js': async (url) => {
      const sql = postgres(url, { max: CONNECTIONS })
      return {
        query: async (id) => sql`select id, name from "Item" where id = ${id}`,
        close: () => sql.end(),
      }
    },
  },
  connect: {
    connmgr: async (url) => {
      const pool = new ManagedPool({ connectionString: url, max: CONNECTIONS, logger: false })
      return { query: (id) => borrow(pool, id), close: () => pool.end() }
    },
    'pg.Pool': async (url) => {
      const pool = poolOf(url)
      return { query: (id) => borrow(pool, id), close: () => pool.end() }
    },
  },
}

/** As people get it, and without what makes the server's part shorter: then what remains is what the engine itself costs. */
const OURS: Readonly<Record<string, PgManagerOptions>> = {
  connmgr: {},
  'connmgr, off': { preparedStatements: 'off' },
}

function ours(open: (url: string, manager: PgConnectionManager) => Promise<Subject>) {
  return Object.fromEntries(
    Object.entries(OURS).map(([name, options]): [string, Opener] => [
      name,
      (url) => open(url, managerOf(url, options)),
    ]),
  )
}

/** V8 takes many seconds to optimise them: too many for a quick run of all suites. */
const ORMS: Cases = {
  typeorm: {
    ...ours(typeorm),
    typeorm: (url) => typeorm(url),
  },
  prisma: {
    ...ours(async (_url, manager) => {
      const client = prismaWith(PrismaClient, manager)
      return {
        query: (id) => client.item.findUnique({ where: { id } }),
        close: () => manager.close(),
      }
    }),
    prisma: async (url) => {
      const adapter = new PrismaPg({ connectionString: url, max: CONNECTIONS })
      const client = new PrismaClient({ adapter })
      return {
        query: (id) => client.item.findUnique({ where: { id } }),
        close: () => client.$disconnect(),
      }
    },
  },
  drizzle: {
    ...ours(async (_url, manager) => selectWith(drizzleWith({}, manager), () => manager.close())),
    drizzle: async (url) => {
      const pool = poolOf(url)
      return selectWith(drizzle(pool), () => pool.end())
    },
  },
}

/** Processes of contenders import it by the name of this file. */
export const cases: Cases = { ...POOLS, ...ORMS }

/** What a case is compared to. */
export function baseOf(name: string): string {
  return name === 'pool.query' || name === 'connect' ? 'pg.Pool' : name
}

async function borrow(pool: pg.Pool, id: number): Promise<unknown> {
  const client = await pool.connect()
  try {
    return await client.query(TEXT, [id])
  } finally {
    client.release()
  }
}

/** Runs something beside a server with the rows. */
export async function withItems<T>(
  work: (url: string, pid: number | undefined) => Promise<T>,
): Promise<T> {
  const cluster = await startCluster()
  const { primary } = cluster
  try {
    await primary.query('create table "Item" (id int primary key, name text not null)')
    await primary.query(
      `insert into "Item" select n, 'item ' || n from generate_series(0, ${ROWS - 1}) n`,
    )
    return await work(primary.url(), primary.pid)
  } finally {
    await cluster.stop()
  }
}

export const query: Suite = {
  name: 'query',
  about: `one row by its key from a local server, ${CONNECTIONS} connections`,
  peers: ['pg.Pool', 'typeorm', 'prisma', 'drizzle'],
  run: (settings) =>
    withItems((url, pid) => {
      const chosen = settings.quick && !settings.isNamed ? POOLS : cases
      return compareCases(__filename, chosen, { url, pid }, settings, { baseOf })
    }),
}
