import * as mysql from '@connmgr/mysql'
import * as pg from '@connmgr/pg'
import * as sqlite from '@connmgr/sqlite'
import {
  describeEachProduct,
  type MysqlCluster,
  type MysqlLab,
  type PostgresCluster,
  provokeDeadlock,
  startCluster,
} from '@connmgr/testing'
import {
  AbstractSqlDriver,
  type Configuration,
  EntitySchema,
  MikroORM,
  type Transaction as MikroTransaction,
  MySqlConnection,
  MySqlPlatform,
  knex as mikroKnex,
  PostgreSqlDriver,
} from '@mikro-orm/postgresql'
import knex, { type Knex } from 'knex'
import {
  type Dialect,
  Kysely,
  MysqlDialect,
  PostgresDialect,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import type { PoolConnection } from 'mysql2'
import type { PoolClient } from 'pg'
import Cursor from 'pg-cursor'
import { enginesRead } from '../packages/mysql/test/known-engines.js'
import { Files } from '../packages/sqlite/test/files.js'
import { INSTALLED } from '../packages/sqlite/test/libraries.js'
import { describeLibrary } from './describe-library.js'
import { type Database, type Library, RESET, type Statements, TABLES } from './library-harness.js'

let postgres: PostgresCluster
const POSTGRES: Database<pg.PgConnectionManager> = {
  start: async () => {
    postgres = await startCluster()
    for (const text of TABLES) await postgres.primary.query(text)
  },
  stop: () => postgres.stop(),
  reset: async () => {
    for (const text of RESET) await postgres.primary.query(text)
  },
  open: (options) =>
    pg.createConnectionManager({
      databaseUrl: postgres.primary.url(),
      logger: false,
      ...engineOptions(options),
      ...(options.single ? { poolSize: 1, maxOverflow: 0 } : {}),
    }),
  conflict: async (tx) => {
    await tx.raw(`do $$ begin raise exception 'no' using errcode = '40001'; end $$`)
  },
}

function mysqlOver({ start }: MysqlLab): Database<mysql.MysqlConnectionManager> {
  let cluster: MysqlCluster
  return {
    start: async () => {
      cluster = await start()
      for (const text of TABLES) await cluster.primary.query(text)
    },
    stop: () => cluster.stop(),
    reset: async () => {
      for (const text of RESET) await cluster.primary.query(text)
    },
    open: (options) =>
      mysql.createConnectionManager({
        databaseUrl: cluster.primary.url(),
        logger: false,
        ...engineOptions(options),
        ...(options.single ? { poolSize: 1, maxOverflow: 0 } : {}),
      }),
    untilReplayable: enginesRead,
    conflict: (tx) => provokeDeadlock(cluster.primary, (text) => tx.raw(text)),
  }
}

function sqliteOver(library: sqlite.SqliteLibrary): Database<sqlite.SqliteConnectionManager> {
  const files = new Files()
  let filename = ''
  const execute = async (texts: readonly string[]): Promise<void> => {
    const manager = sqlite.createConnectionManager({ filename, library, logger: false })
    await manager.use((connection) => connection.exec(texts.join(';')))
    await manager.close()
  }
  return {
    start: async () => {
      filename = files.path()
      await execute(TABLES)
    },
    stop: async () => files.remove(),
    reset: () => execute(RESET),
    open: (options) =>
      sqlite.createConnectionManager({
        filename,
        library,
        logger: false,
        ...engineOptions(options),
      }),
  }
}

function engineOptions({
  leakThresholdMs,
  acquireTimeoutMs,
}: {
  leakThresholdMs?: number
  acquireTimeoutMs?: number
}): object {
  return {
    ...(leakThresholdMs === undefined
      ? {}
      : { leakDetection: { thresholdMs: leakThresholdMs, captureStack: 'always' } }),
    ...(acquireTimeoutMs === undefined ? {} : { acquireTimeoutMs }),
  }
}

interface Schema {
  people: { name: string }
  counters: { id: number; n: number }
}

function kyselyOver(dialect: Dialect): Library {
  const db = new Kysely<Schema>({ dialect })
  const names = (on: Kysely<Schema>) => on.selectFrom('people').select('name').orderBy('name')
  const statements = (on: Kysely<Schema>): Statements => ({
    insert: (name) => on.insertInto('people').values({ name }).execute(),
    increment: () =>
      on
        .updateTable('counters')
        .set(({ eb }) => ({ n: eb('n', '+', 1) }))
        .where('id', '=', 1)
        .execute(),
    names: async () => (await names(on).execute()).map((each) => each.name),
    raw: (text) => sql.raw(text).execute(on),
  })
  async function* stream(): AsyncIterable<string> {
    for await (const { name } of names(db).stream(10)) yield name
  }
  return {
    ...statements(db),
    transaction: (work) => db.transaction().execute((tx) => work(statements(tx))),
    stream,
    end: () => db.destroy(),
  }
}

function knexOver(client: 'pg' | 'mysql2', pool: object): Library {
  const silent = { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} }
  const db = knex({ client, connectionPool: pool as never, log: silent })
  const statements = (on: Knex): Statements => ({
    insert: (name) => on('people').insert({ name }),
    increment: () => on('counters').where({ id: 1 }).increment('n', 1),
    names: async () =>
      (await on<Schema['people']>('people').select('name').orderBy('name')).map(
        (each) => each.name,
      ),
    raw: (text) => on.raw(text),
  })
  return {
    ...statements(db),
    transaction: (work) => db.transaction((tx) => work(statements(tx))),
    stream: async function* stream() {
      for await (const { name } of db('people').select('name').orderBy('name').stream())
        yield name as string
    },
    end: () => db.destroy(),
  }
}

/** The driver of @mikro-orm/mysql, without what that knows of keys that the server makes. */
class MikroMysqlDriver extends AbstractSqlDriver<MySqlConnection> {
  constructor(config: Configuration) {
    super(config, new MySqlPlatform(), MySqlConnection, ['knex', 'mysql2'])
  }
}

/** What of a client of Knex a pool stands behind. */
type KnexClient<C> = new (config: object) => { acquireConnection(): Promise<C> }

function knexClientOf<C>(name: 'pg' | 'mysql2'): KnexClient<C> {
  return (mikroKnex({ client: name }).client as object).constructor as KnexClient<C>
}

function mikroOverPostgres(pool: pg.ManagedPool): Promise<Library> {
  class ManagedClient extends knexClientOf<PoolClient>('pg') {
    override acquireConnection(): Promise<PoolClient> {
      return pool.connectFor(ManagedClient.prototype.acquireConnection)
    }
    async releaseConnection(client: PoolClient): Promise<void> {
      client.release()
    }
  }
  return mikroOver(PostgreSqlDriver, ManagedClient)
}

function mikroOverMysql(pool: mysql.ManagedPool): Promise<Library> {
  class ManagedClient extends knexClientOf<PoolConnection>('mysql2') {
    override acquireConnection(): Promise<PoolConnection> {
      return pool.borrow(ManagedClient.prototype.acquireConnection)
    }
    async releaseConnection(connection: PoolConnection): Promise<void> {
      connection.release()
    }
  }
  return mikroOver(MikroMysqlDriver, ManagedClient)
}

/** MikroORM 6 builds on a Knex of its own, which has no `connectionPool` yet: each acquire is one of the manager's. */
async function mikroOver(driver: unknown, client: unknown): Promise<Library> {
  const Person = new EntitySchema<{ name: string }>({
    name: 'Person',
    tableName: 'people',
    properties: { name: { type: 'text', primary: true } },
  })
  const orm = await MikroORM.init({
    driver: driver as typeof PostgreSqlDriver,
    entities: [Person],
    dbName: 'app',
    driverOptions: mikroKnex({ client: client as never, version: '16' }),
  })
  const statements = (ctx?: MikroTransaction): Statements => {
    const em = () => orm.em.fork()
    const raw = (text: string) => orm.em.getConnection().execute(text, [], 'all', ctx)
    return {
      insert: (name) => em().insert('Person', { name }, { ctx }),
      increment: () => raw('update counters set n = n + 1 where id = 1'),
      names: async () =>
        (
          await em()
            .getConnection()
            .execute('select name from people order by name', [], 'all', ctx)
        ).map((each) => String(each.name)),
      raw,
    }
  }
  return {
    ...statements(),
    transaction: (work) =>
      orm.em.fork().transactional((em) => work(statements(em.getTransactionContext()))),
    end: () => orm.close(),
  }
}

describeLibrary(describe, 'Kysely on manager.pool of PostgreSQL', POSTGRES, async ({ pool }) =>
  kyselyOver(new PostgresDialect({ pool, cursor: Cursor })),
)
describeEachProduct('Kysely on manager.pool', (lab) =>
  describeLibrary(describe, 'of mysql2', mysqlOver(lab), async ({ pool }) =>
    kyselyOver(new MysqlDialect({ pool })),
  ),
)
for (const library of INSTALLED)
  describeLibrary(
    describe,
    `Kysely on a manager of ${library}`,
    sqliteOver(library),
    async (manager) =>
      kyselyOver({
        createDriver: () => sqlite.kyselyDriver(manager) as never,
        createAdapter: () => new SqliteAdapter(),
        createIntrospector: (db) => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      }),
  )
// Knex 3.3 releases the connection of a stream twice, which is an uncaught exception on a plain pg.Pool, too.
describeLibrary(
  describe,
  'Knex on manager.pool of PostgreSQL',
  POSTGRES,
  async ({ pool }) => knexOver('pg', pool),
  { streams: false },
)
describeEachProduct('Knex on manager.pool', (lab) =>
  describeLibrary(describe, 'of mysql2', mysqlOver(lab), async ({ pool }) =>
    knexOver('mysql2', pool),
  ),
)
describeLibrary(
  describe,
  'MikroORM on manager.pool of PostgreSQL',
  POSTGRES,
  ({ pool }) => mikroOverPostgres(pool),
  { streams: false },
)
describeEachProduct('MikroORM on manager.pool', (lab) =>
  describeLibrary(describe, 'of mysql2', mysqlOver(lab), ({ pool }) => mikroOverMysql(pool), {
    streams: false,
  }),
)
