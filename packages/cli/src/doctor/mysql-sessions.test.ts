import { createConnectionManager, type MysqlConnectionManager } from '@connmgr/mysql'
import {
  describeEachProduct,
  eventually,
  type MysqlCluster,
  transactionsRenewed,
} from '@connmgr/testing'
import type { PoolConnection } from 'mysql2/promise'
import { doctor, found } from '../../test/doctor.js'
import type { DoctorReport } from './report.js'

/** The server counts seconds: one that has just begun is not idle yet. */
const AT_ONCE = ['--idle-transaction', '1'] as const

const reasonOf = (report: DoctorReport, what: string) =>
  report.notSeen.find((each) => each.what === what)?.reason

describeEachProduct('doctor of a server with sessions', (lab) => {
  let cluster: MysqlCluster
  let manager: MysqlConnectionManager
  const opened: PoolConnection[] = []

  async function session(...statements: readonly string[]): Promise<PoolConnection> {
    const connection = await manager.pool.promise().getConnection()
    opened.push(connection)
    for (const each of statements) await connection.query(each)
    return connection
  }

  beforeAll(async () => {
    cluster = await lab.start({ settings: { 'performance-schema': 'on' } })
    const { primary } = cluster
    await primary.query('create table item (id int primary key, n int)')
    await primary.query('insert into item values (1, 0), (2, 0)')
    for (const each of [
      "create user watcher@'%' identified by 'watcher-secret'",
      "grant process on *.* to watcher@'%'",
      "grant select on app.* to watcher@'%'",
      // MySQL tells of locks there.
      "grant select on performance_schema.* to watcher@'%'",
      'create role sees_all',
      'grant process on *.* to sees_all',
      'grant select on performance_schema.* to sees_all',
      "create user by_role@'%' identified by 'by-role-secret'",
      "grant sees_all to by_role@'%'",
      "grant select on app.* to by_role@'%'",
      `set default role sees_all ${lab.product.name === 'MySQL' ? 'to' : 'for'} by_role@'%'`,
      "create user few@'%' identified by 'few-secret' with max_user_connections 10",
      "grant select on app.* to few@'%'",
    ])
      await primary.query(each)
  })
  afterAll(() => cluster.stop())

  beforeEach(() => {
    manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      healthMonitoring: false,
      logger: false,
    })
  })
  afterEach(async () => {
    const threads = opened.map(({ threadId }) => threadId)
    for (const each of opened.splice(0)) {
      // A statement that sleeps does not notice that its client has gone.
      await cluster.primary.query(`kill ${each.threadId}`)
      each.destroy()
    }
    // Not by innodb_trx: a server renews what that shows only if it was not read for a tenth of a second.
    await eventually(async () => {
      const rows = await cluster.primary.query<{ id: number }>(
        'select id from information_schema.processlist',
      )
      return !rows.some(({ id }) => threads.includes(Number(id)))
    })
    await manager.close({ drainTimeoutMs: 0 })
  })

  const urlOf = (user: string, password: string) => cluster.primary.url({ user, password })

  test.each([
    ['with the right PROCESS', 'watcher', 'watcher-secret'],
    ['with the right PROCESS by a role', 'by_role', 'by-role-secret'],
  ])(
    'an account %s sees who is idle in a transaction, and who waits for whom',
    async (_name, user, password) => {
      const holder = await session('begin', 'update item set n = n + 1 where id = 1')
      const waiter = await session()
      const waiting = waiter.query('update item set n = n + 1 where id = 1')
      waiting.catch(() => {})
      let report: DoctorReport | undefined
      await eventually(async () => {
        await transactionsRenewed()
        report = (await doctor('--url', urlOf(user, password), ...AT_ONCE)).report
        const ids = report.findings.map(({ id }) => id)
        return ids.includes('sessions-blocked') && ids.includes('idle-in-transaction')
      })
      const seen = report as DoctorReport
      expect(found(seen, 'idle-in-transaction')).toMatchObject({
        severity: 'warning',
        title: expect.stringContaining('1 session is idle in a transaction'),
        evidence: [
          expect.stringMatching(
            new RegExp(`^session ${holder.threadId} of app@.*: idle for .*, 1 row changed$`),
          ),
        ],
        fix: expect.stringContaining(`kill ${holder.threadId} `),
      })
      expect(found(seen, 'sessions-blocked')).toMatchObject({
        severity: 'warning',
        evidence: [
          expect.stringMatching(
            new RegExp(
              `^session ${waiter.threadId} of app@.* waits for a row of \`app\`.\`item\`, .* blocked by session ${holder.threadId}$`,
            ),
          ),
        ],
      })
      expect(seen.servers[0]?.facts).toMatchObject({
        seesOtherAccounts: true,
        openTransactions: 2,
        sessionsBlocked: 1,
      })
      expect(reasonOf(seen, 'open transactions')).toBeUndefined()
      await holder.query('rollback')
      await waiting
    },
  )

  test('a change of a table that waits for a transaction which has read it is seen to wait', async () => {
    await session('begin', 'select * from item')
    const change = (await session()).query('alter table item add column added int')
    change.catch(() => {})
    let report: DoctorReport | undefined
    await eventually(async () => {
      await transactionsRenewed()
      report = (await doctor('--url', urlOf('watcher', 'watcher-secret'), ...AT_ONCE)).report
      return JSON.stringify(found(report, 'sessions-blocked'))?.includes('metadata') === true
    })
    expect(found(report as DoctorReport, 'sessions-blocked')?.evidence).toContainEqual(
      expect.stringMatching(/ waits for the table metadata lock, for /),
    )
  })

  test('a transaction that is long and at work is none that is idle', async () => {
    const long = await session('begin', 'update item set n = n + 1 where id = 2')
    const running = long.query('select sleep(600)')
    running.catch(() => {})
    let report: DoctorReport | undefined
    await eventually(async () => {
      await transactionsRenewed()
      report = (
        await doctor('--url', urlOf('watcher', 'watcher-secret'), '--idle-transaction', '20')
      ).report
      return found(report, 'transaction-long') !== undefined
    })
    const seen = report as DoctorReport
    expect(found(seen, 'transaction-long')?.evidence).toEqual([
      expect.stringMatching(new RegExp(`^session ${long.threadId} of app@.*, 1 row changed$`)),
    ])
    expect(found(seen, 'idle-in-transaction')).toBeUndefined()
  })

  test('for an account of few rights the report names those it lacks, and how to get them', async () => {
    await session('begin', 'update item set n = n + 1 where id = 1')
    const { report } = await doctor('--url', urlOf('few', 'few-secret'), ...AT_ONCE)
    const process =
      "the account few@% lacks the right PROCESS; grant it: grant process on *.* to 'few'@'%'"
    expect(reasonOf(report, 'open transactions')).toBe(process)
    expect(reasonOf(report, 'sessions of other accounts')).toBe(process)
    expect(reasonOf(report, 'locks of rows')).toBe(
      lab.product.name === 'MySQL'
        ? "the account few@% lacks the right SELECT; grant it: grant select on performance_schema.* to 'few'@'%'"
        : process,
    )
    expect(reasonOf(report, 'replication')).toMatch(
      /^the account few@% lacks the right [A-Z ]+; grant it: grant [a-z ]+ on \*\.\* to 'few'@'%'$/,
    )
    expect(found(report, 'idle-in-transaction')).toBeUndefined()
    expect(report.servers[0]?.facts).toMatchObject({
      openTransactions: null,
      sessionsBlocked: null,
      connectionsAllowed: 10,
    })
  })

  test('the limit of the account counts, not that of the server alone', async () => {
    const url = urlOf('few', 'few-secret')
    const { report } = await doctor('--url', url, '--limit', '11')
    expect(found(report, 'connections-exceed-server')).toMatchObject({
      evidence: expect.arrayContaining(['max_user_connections of few@% = 10']),
      fix: expect.stringContaining('raise the limit of the account'),
    })
    await using own = createConnectionManager({
      databaseUrl: url,
      healthMonitoring: false,
      poolSize: 8,
      logger: false,
    })
    await own.warmUp(8)
    const titleOf = async (): Promise<unknown> =>
      found((await doctor('--url', url)).report, 'connections-nearly-exhausted')?.title
    // The server may still count the session of the first report.
    let title: unknown
    await eventually(
      async () => {
        title = await titleOf()
        return title === '8 of the 10 connections of account few@% are in use (80 %).'
      },
      () => `the title is ${title}`,
    )
  })
})

describeEachProduct('doctor of a server that is full', (lab) => {
  test('says so, and that connections were refused', async () => {
    await using cluster = await lab.start({ maxConnections: 10 })
    const url = cluster.primary.url()
    const options = { databaseUrl: url, healthMonitoring: false, logger: false } as const
    await using manager = createConnectionManager({ ...options, poolSize: 8, maxOverflow: 0 })
    await manager.warmUp(8)
    const { report } = await doctor('--url', url, '--limit', '1')
    expect(found(report, 'connections-nearly-exhausted')).toMatchObject({
      title: expect.stringMatching(/^\d+ of 10 connections are in use/),
      evidence: expect.arrayContaining([
        'max_connections = 10',
        expect.stringMatching(/^\d+ of account app$/),
      ]),
    })
    expect(found(report, 'connections-refused')).toBeUndefined()

    await using more = createConnectionManager({
      ...options,
      poolSize: 8,
      maxOverflow: 0,
      acquireTimeoutMs: 2000,
    })
    await expect(more.warmUp(8)).rejects.toThrow()
    await more.close({ drainTimeoutMs: 0 })
    await manager.close({ drainTimeoutMs: 0 })
    const { report: later } = await doctor('--url', url, '--limit', '1')
    expect(found(later, 'connections-refused')).toMatchObject({ severity: 'warning' })
  })
})
