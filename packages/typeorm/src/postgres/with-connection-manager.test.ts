import { inspect } from 'node:util'
import { createConnectionManager, ManagedPool, type PgManagerOptions } from '@connmgr/pg'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import pg from 'pg'
import QueryStream from 'pg-query-stream'
import {
  Column,
  DataSource,
  Entity,
  type MigrationInterface,
  PrimaryGeneratedColumn,
  type QueryRunner,
} from 'typeorm'
import type { PostgresDataSourceOptions } from '../managed-types.js'
import {
  attachConnectionManager,
  getConnections,
  withConnectionManager,
} from '../with-connection-manager.js'

@Entity('users')
class User {
  @PrimaryGeneratedColumn()
  id!: number

  @Column({ type: 'text', unique: true })
  name!: string
}

class CreateNotes1700000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('create table notes (n int)')
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table notes')
  }
}

let cluster: PostgresCluster
let dataSource: DataSource

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1, synchronous: true })
})
beforeEach(() => cluster.primary.query('drop schema public cascade; create schema public'))
afterEach(async () => {
  if (dataSource.isInitialized) await dataSource.destroy()
})
afterAll(() => cluster.stop())

const base = (): PostgresDataSourceOptions => ({
  type: 'postgres',
  url: cluster.primary.url(),
  entities: [User],
  synchronize: true,
})

async function open(
  options: Partial<PostgresDataSourceOptions> = {},
  manager: PgManagerOptions = {},
): Promise<DataSource> {
  dataSource = new DataSource(
    withConnectionManager({ ...base(), ...options } as PostgresDataSourceOptions, {
      logger: false,
      ...manager,
    }),
  )
  return dataSource.initialize()
}

const sessions = async (name: string): Promise<number> =>
  (
    await cluster.primary.query('select 1 from pg_stat_activity where application_name = $1', [
      name,
    ])
  ).length

describe('a managed DataSource', () => {
  test('repositories, query builder, query runners and transactions run on managed connections', async () => {
    await open({}, { poolSize: 2, maxOverflow: 0 })
    const users = dataSource.getRepository(User)
    await users.save({ name: 'Ada' })
    await users.createQueryBuilder().insert().values({ name: 'Grace' }).execute()
    expect(await users.find({ order: { id: 'ASC' } })).toEqual([
      { id: 1, name: 'Ada' },
      { id: 2, name: 'Grace' },
    ])
    await expect(
      dataSource.transaction(async (entities) => {
        await entities.save(User, { name: 'Nobody' })
        throw new Error('second thoughts')
      }),
    ).rejects.toThrow('second thoughts')
    const queryRunner = dataSource.createQueryRunner()
    await queryRunner.startTransaction('SERIALIZABLE')
    await queryRunner.manager.update(User, { id: 1 }, { name: 'Ada L.' })
    await queryRunner.commitTransaction()
    await queryRunner.release()
    expect(await users.countBy({ name: 'Nobody' })).toBe(0)
    expect(getConnections(dataSource).getPoolMetrics()).toMatchObject({ limit: 2, checkedOut: 0 })
    expect((dataSource.driver as unknown as { master: unknown }).master).toBeInstanceOf(ManagedPool)
  })

  test('migrations run and revert', async () => {
    await open({ migrations: [CreateNotes1700000000000] })
    expect(await dataSource.runMigrations()).toHaveLength(1)
    expect(await dataSource.query("select to_regclass('notes') as found")).toEqual([
      { found: 'notes' },
    ])
    await dataSource.undoLastMigration()
    expect(await dataSource.query("select to_regclass('notes') as found")).toEqual([
      { found: null },
    ])
  })

  test('streams rows', async () => {
    expect(QueryStream).toBeDefined()
    await open()
    for (const name of ['a', 'b', 'c']) await dataSource.getRepository(User).save({ name })
    const queryRunner = dataSource.createQueryRunner()
    const rows: unknown[] = []
    const stream = await queryRunner.stream('select name from users order by name')
    await new Promise<void>((resolve, reject) => {
      stream
        .on('data', (row: unknown) => rows.push(row))
        .on('end', resolve)
        .on('error', reject)
    })
    await queryRunner.release()
    expect(rows).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
  })

  test('a query runner that is never released is named by function, file and line', async () => {
    await open({}, { leakDetection: { thresholdMs: 50, captureStack: 'always' } })
    const connections = getConnections(dataSource)
    const detected = new Promise((resolve) => connections.on('leakDetected', resolve))
    async function forgetful() {
      const queryRunner = dataSource.createQueryRunner()
      await queryRunner.connect()
      await queryRunner.query('select $1::text', ['s3cr3t'])
    }
    await forgetful()
    await detected
    expect(connections.detectLeaks()).toMatchObject([
      {
        checkedOutBy: expect.stringMatching(
          /^forgetful \(.*with-connection-manager\.test\.ts:\d+:\d+\)$/,
        ),
        lastQuery: 'select $1::text',
      },
    ])
  })

  test('with replication, reads go to the standby and writes to the primary', async () => {
    const standby = cluster.standbys[0] as (typeof cluster.standbys)[number]
    await open({
      url: undefined,
      replication: { master: { url: cluster.primary.url() }, slaves: [{ url: standby.url() }] },
    } as Partial<PostgresDataSourceOptions>)
    const users = dataSource.getRepository(User)
    await users.save({ name: 'Ada' })
    await standby.waitForReplay(cluster.primary)
    const reading = await users
      .createQueryBuilder('u')
      .select('pg_is_in_recovery()', 'standby')
      .getRawMany()
    expect(reading).toEqual([{ standby: true }])
    expect(getConnections(dataSource).getFailoverStatus().endpoints).toHaveLength(2)
  })

  test('its own pool settings keep their meaning', async () => {
    await open({
      poolSize: 3,
      connectTimeoutMS: patient(150),
      extra: { idleTimeoutMillis: 60_000 },
    })
    expect(getConnections(dataSource).getPoolMetrics()).toMatchObject({ size: 3, limit: 3 })
    const runners = [1, 2, 3].map(() => dataSource.createQueryRunner())
    for (const runner of runners) await runner.connect()
    await expect(dataSource.query('select 1')).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      phase: 'wait',
    })
    for (const runner of runners) await runner.release()
  })

  test('destroy closes a manager of its own; after another initialize there is a new one', async () => {
    await open({ applicationName: 'owned' })
    const first = getConnections(dataSource)
    await dataSource.destroy()
    expect(first.closed).toBe(true)
    await eventually(async () => (await sessions('owned')) === 0)
    await dataSource.initialize()
    expect(getConnections(dataSource)).not.toBe(first)
    expect(await dataSource.getRepository(User).count()).toBe(0)
  })

  test('destroy leaves a shared manager open', async () => {
    const manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
    dataSource = new DataSource(
      withConnectionManager({ ...base(), url: undefined } as PostgresDataSourceOptions, manager),
    )
    await dataSource.initialize()
    await dataSource.getRepository(User).save({ name: 'shared' })
    expect(getConnections(dataSource)).toBe(manager)
    await dataSource.destroy()
    expect((await manager.pool.query('select name from users')).rows).toEqual([{ name: 'shared' }])
    await manager.close()
  })

  test('a manager can be attached to a DataSource that exists, before it is initialized', async () => {
    dataSource = new DataSource(base())
    expect(() => getConnections(dataSource)).toThrow(/does not manage this DataSource/)
    const manager = attachConnectionManager(dataSource, { logger: false, poolSize: 1 })
    await dataSource.initialize()
    expect(getConnections(dataSource)).toBe(manager)
    await dataSource.getRepository(User).save({ name: 'attached' })
    expect(manager.getPoolMetrics().totalCheckouts).toBeGreaterThan(1)
    expect(() => attachConnectionManager(dataSource)).toThrow(/before initialize/)
    await dataSource.destroy()
    expect(manager.closed).toBe(true)
  })

  test('other databases are refused', () => {
    expect(() =>
      withConnectionManager({ type: 'oracle' } as unknown as PostgresDataSourceOptions),
    ).toThrow(expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'type' }))
  })
})

test('what a DataSource has of ours is printed without a password', async () => {
  await open({}, { password: 's3cr3t', name: 'shop' })
  const { master } = dataSource.driver as unknown as { master: unknown }
  expect(inspect(master)).toMatch(/^ManagedPool \{\s+target: 'primary',\s+name: 'shop'/)
  expect(inspect([dataSource, master, getConnections(dataSource)], { depth: 9 })).not.toContain(
    's3cr3t',
  )
})

test('the client of a query runner is one of node-postgres to its user, but for its errors', async () => {
  await open({}, { password: 's3cr3t' })
  const runner = dataSource.createQueryRunner()
  try {
    const client = (await runner.connect()) as pg.PoolClient & { note?: string }
    expect(client).toBeInstanceOf(pg.Client)
    expect(client.constructor).toBe(pg.Client)
    expect((await client.query('select $1::int as n', [7])).rows).toEqual([{ n: 7 }])
    expect((await client.query('select pg_backend_pid() as pid')).rows[0].pid).toBe(
      Reflect.get(client, 'processID'),
    )
    expect(['getTypeParser', 'processID', 'other'].map((name) => name in client)).toEqual([
      true,
      true,
      false,
    ])
    expect(client.escapeIdentifier('a"b')).toBe('"a""b"')
    expect(inspect(client, { depth: 9 })).not.toContain('s3cr3t')

    const errors = jest.fn()
    const notices = jest.fn()
    client.on('error', errors).on('notice', notices)
    await client.query(`do $$ begin raise notice 'seen'; end $$`)
    client.removeListener('notice', notices)
    await client.query(`do $$ begin raise notice 'unseen'; end $$`)
    expect(notices.mock.calls.map(([{ message }]) => message)).toEqual(['seen'])
    const added = jest.fn()
    const removed = jest.fn()
    client.once('error', added).once('error', removed)
    client.removeListener('error', removed)
    await expect(client.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toThrow()
    await eventually(() => added.mock.calls.length === 1)
    expect(removed).not.toHaveBeenCalled()
    expect(errors).not.toHaveBeenCalled()
  } finally {
    await runner.release()
  }
})

describe('a DataSource that cannot be initialized', () => {
  test.each([
    [
      'an unreachable server',
      () => ({ url: 'postgres://u:s3cr3t@127.0.0.1:1/d' }),
      'CONNMGR_ACQUIRE_TIMEOUT',
    ],
    [
      'a missing database',
      () => ({ url: cluster.primary.url({ database: 'nope' }) }),
      'CONNMGR_CONNECT_FAILED',
    ],
    [
      'a missing role',
      () => ({ url: cluster.primary.url({ user: 'nobody_here', password: 's3cr3t' }) }),
      'CONNMGR_CONNECT_FAILED',
    ],
  ])(
    'because of %s fails with one clear error and leaves nothing open',
    async (_name, options, code) => {
      dataSource = new DataSource(
        withConnectionManager({ ...base(), ...options() } as PostgresDataSourceOptions, {
          logger: false,
          acquireTimeoutMs: patient(300),
        }),
      )
      const manager = getConnections(dataSource)
      const error = await dataSource.initialize().catch((thrown) => thrown)
      expect(error).toMatchObject({ code })
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cr3t')
      expect(manager.closed).toBe(true)
    },
  )

  test('because of its entities closes what it opened, and may be tried again', async () => {
    dataSource = new DataSource(
      withConnectionManager(
        {
          ...base(),
          applicationName: 'failing',
          migrations: [],
          migrationsRun: false,
        } as PostgresDataSourceOptions,
        { logger: false },
      ),
    )
    await cluster.primary.query('create table users (id text)')
    await cluster.primary.query("insert into users values ('not a number')")
    await expect(dataSource.initialize()).rejects.toBeDefined()
    await eventually(async () => (await sessions('failing')) === 0)
    await cluster.primary.query('drop table users')
    await dataSource.initialize()
    expect(await dataSource.getRepository(User).count()).toBe(0)
  })

  test('because of a wrong option is refused where it is written', () => {
    expect(() => withConnectionManager(base(), { poolsize: 5 } as PgManagerOptions)).toThrow(
      /did you mean "poolSize"/,
    )
    expect(() =>
      withConnectionManager({
        ...base(),
        url: 'mysql://u:s3cr3t@h/d',
      } as PostgresDataSourceOptions),
    ).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        message: expect.not.stringContaining('s3cr3t'),
      }),
    )
  })
})

describe('failover under TypeORM', () => {
  test('the same DataSource goes on writing on the promoted standby', async () => {
    const standby = cluster.standbys[0] as (typeof cluster.standbys)[number]
    await open({}, { failoverUrls: [standby.url()] })
    const users = dataSource.getRepository(User)
    await users.save({ name: 'before' })
    await cluster.primary.crash()
    // A statement that is sent before the end of its connection is noticed is of unknown outcome, and rejected as such.
    const connections = getConnections(dataSource)
    await eventually(() => connections.getFailoverStatus().state !== 'STEADY')
    const writing = users.insert({ name: 'after' })
    await standby.promote()
    await writing
    expect((await users.find({ order: { id: 'ASC' } })).map((user) => user.name)).toEqual([
      'before',
      'after',
    ])
    await dataSource.destroy()
  })
})
