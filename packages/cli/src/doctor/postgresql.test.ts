import {
  eventually,
  type PostgresCluster,
  type PostgresNode,
  patient,
  startCluster,
} from '@connmgr/testing'
import { Client } from 'pg'
import { doctor, found, idsOf } from '../../test/doctor.js'
import { startPair } from '../../test/pair.js'
import { runCommand } from '../../test/run-command.js'
import type { DoctorReport } from './report.js'

describe('doctor of a primary and its standby', () => {
  let cluster: PostgresCluster
  let primary: PostgresNode
  let standby: PostgresNode

  beforeAll(async () => {
    ;({ cluster, primary, standby } = await startPair({ maxConnections: 40 }))
    await primary.query(`create role weak login password 'weak-secret'`)
  })
  afterAll(() => cluster.stop())

  async function database(name: string, ...statements: string[]): Promise<string> {
    await primary.query(`create database ${name}`)
    const client = new Client(primary.url({ database: name }))
    await client.connect()
    for (const statement of statements)
      await client.query(statement).catch((error: Error) => {
        if (!statement.startsWith('create unique index concurrently')) throw error
      })
    await client.end()
    await standby.waitForReplay(primary)
    return name
  }

  test('a healthy database has no finding above advice, and each of them has a fix', async () => {
    const name = await database(
      'healthy',
      'create table parent (id int primary key)',
      'create table child (id int primary key, parent_id int references parent, other int)',
      'create index on child (parent_id, other)',
      'create index on child (other)',
    )
    const urls = [
      '--url',
      primary.url({ database: name }),
      '--url',
      standby.url({ database: name }),
    ]
    const { code, report } = await doctor(...urls)
    expect(report.findings.filter(({ severity }) => severity !== 'advice')).toEqual([])
    expect(code).toBe(0)
    expect(report).toMatchObject({ schemaVersion: 1, command: 'doctor', ok: true, notSeen: [] })
    expect(report.servers).toMatchObject([
      { reachable: true, role: 'primary', writable: true, database: 'postgresql' },
      { reachable: true, role: 'standby', writable: false },
    ])
    expect(report.servers[0]?.facts).toMatchObject({ max_connections: '40', pooler: 'none' })
    for (const { fix } of report.findings) expect(fix).not.toBe('')
    expect((await doctor(...urls, '--fail-on', 'advice')).code).toBe(1)
    expect((await doctor(...urls, '--fail-on', 'never')).code).toBe(0)
  })

  test('names planted faults of the schema, each with what mends it, once for both servers', async () => {
    const name = await database(
      'planted',
      'create table parent (id int primary key)',
      'create table "Child" (id int primary key, "parentId" int references parent, a int, b int)',
      'create index child_a on "Child" (a, b)',
      'create index child_a_again on "Child" (a, b)',
      'insert into parent values (1)',
      'insert into "Child" values (1, 1, 1, 1), (2, 1, 1, 1)',
      'create unique index concurrently child_broken on "Child" (a)',
    )
    const { code, report } = await doctor(
      '--url',
      primary.url({ database: name }),
      '--url',
      standby.url({ database: name }),
    )
    expect(code).toBe(1)
    expect(report.ok).toBe(false)
    const both = report.servers.map(({ endpoint }) => endpoint)
    expect(found(report, 'invalid-index')).toMatchObject({
      servers: both,
      evidence: [expect.stringContaining('child_broken on "Child"')],
      fix: expect.stringContaining('reindex index concurrently child_broken'),
    })
    expect(found(report, 'duplicate-index')).toMatchObject({
      evidence: [expect.stringContaining('child_a_again on "Child" is the same as child_a')],
      fix: 'Drop it: drop index concurrently child_a_again.',
    })
    expect(found(report, 'foreign-key-without-index')).toMatchObject({
      evidence: [expect.stringContaining('("parentId") refers to parent')],
      fix: 'Add one: create index concurrently on "Child" ("parentId").',
    })
    expect(report.findings.filter(({ severity }) => severity !== 'advice')).toHaveLength(3)
  })

  test('says what a role of few rights may not see, and finds the rest', async () => {
    const name = await database(
      'few_rights',
      'create table one (id int primary key)',
      'create table two (id int primary key, one_id int references one)',
    )
    const { report } = await doctor(
      '--url',
      primary.url({ user: 'weak', password: 'weak-secret', database: name }),
    )
    expect(report.notSeen).toContainEqual(
      expect.objectContaining({ reason: expect.stringContaining('grant pg_monitor') }),
    )
    expect(found(report, 'foreign-key-without-index')).toBeDefined()
    expect(report.servers[0]).toMatchObject({
      facts: { user: 'weak', superuser: false, connectionsAllowed: 37 },
    })
  })

  test('counts the connections of all instances against what the server, and the role, allow', async () => {
    const url = primary.url()
    const { report } = await doctor('--url', url, '--instances', '4', '--limit', '10')
    expect(found(report, 'connections-exceed-server')).toMatchObject({
      severity: 'critical',
      evidence: ['max_connections = 40, of which 3 are reserved'],
      fix: expect.stringContaining('at 9 or less'),
    })
    expect(
      idsOf((await doctor('--url', url, '--instances', '3', '--limit', '12')).report),
    ).not.toContain('connections-exceed-server')
    await primary.query(`create role narrow login password 'narrow-secret' connection limit 4`)
    const narrow = primary.url({ user: 'narrow', password: 'narrow-secret' })
    const limited = await doctor('--url', narrow, '--limit', '5')
    expect(found(limited.report, 'connections-exceed-server')?.evidence).toContain(
      'the connection limit of role "narrow" is 4',
    )
    const ofUrl = await doctor('--url', `${url}?connection_limit=38`)
    expect(ofUrl.report.plan).toEqual({ instances: 1, limit: 38 })
    expect(idsOf(ofUrl.report)).toContain('connections-exceed-server')
  })

  test('says who holds the connections of a server that is nearly full', async () => {
    const clients = Array.from(
      { length: 31 },
      () => new Client({ connectionString: primary.url(), application_name: 'greedy' }),
    )
    try {
      for (const client of clients) await client.connect()
      const { report } = await doctor('--url', primary.url())
      expect(found(report, 'connections-nearly-exhausted')?.evidence[0]).toMatch(
        /^31 of greedy \(role postgres\): 0 active, 0 idle in a transaction$/,
      )
      expect(report.servers[0]?.connections[0]).toEqual({
        application: 'greedy',
        user: 'postgres',
        connections: 31,
      })
    } finally {
      await Promise.all(clients.map((client) => client.end()))
    }
  })

  test('names sessions that are idle in a transaction, and those that they block', async () => {
    const holder = new Client({ connectionString: primary.url(), application_name: 'forgetful' })
    const waiter = new Client({ connectionString: primary.url(), application_name: 'patient' })
    await primary.query('create table locked (id int primary key)')
    await Promise.all([holder.connect(), waiter.connect()])
    try {
      await holder.query('begin')
      await holder.query('lock table locked')
      const waiting = waiter.query('select from locked').catch(() => {})
      await eventually(async () => {
        const rows = await primary.query(
          `select from pg_stat_activity where wait_event_type = 'Lock'`,
        )
        return rows.length === 1
      })
      const { report } = await doctor('--url', primary.url(), '--idle-transaction', '0')
      expect(found(report, 'idle-in-transaction')).toMatchObject({
        severity: 'warning',
        evidence: [expect.stringContaining('forgetful (role postgres)')],
      })
      expect(
        idsOf((await doctor('--url', primary.url(), '--idle-transaction', '3600000')).report),
      ).not.toContain('idle-in-transaction')
      const [pid] = (await holder.query('select pg_backend_pid() as pid')).rows
      expect(found(report, 'sessions-blocked')?.evidence).toEqual([
        expect.stringMatching(`patient .*, blocked by pid ${pid.pid}$`),
      ])
      await holder.query('rollback')
      await waiting
    } finally {
      await Promise.all([holder.end(), waiter.end()])
    }
  })

  test('compares the limits of the role with those of the client', async () => {
    await primary.query(`create role bounded login password 'bounded-secret'`)
    await primary.query(`alter role bounded set statement_timeout = '20s'`)
    await primary.query(`alter role bounded set idle_session_timeout = '30s'`)
    await primary.query(`alter role bounded set idle_in_transaction_session_timeout = '10s'`)
    const url = primary.url({ user: 'bounded', password: 'bounded-secret' })
    const { report } = await doctor('--url', `${url}?query_timeout=5000`)
    expect(found(report, 'client-gives-up-first')?.evidence).toEqual([
      'query_timeout = 5000 ms at the client',
      'statement_timeout = 20000 ms at the server',
    ])
    expect(found(report, 'server-ends-idle-connections')).toMatchObject({
      severity: 'warning',
      fix: expect.stringContaining('below 30000'),
    })
    expect(idsOf(report)).not.toContain('idle-in-transaction-unbounded')
    expect(idsOf(report)).not.toContain('statements-unbounded')
    const shorter = await doctor('--url', url, '--idle-timeout', '20000')
    expect(idsOf(shorter.report)).not.toContain('server-ends-idle-connections')
  })

  test('a standby alone takes no writes', async () => {
    const { code, report } = await doctor('--url', standby.url())
    expect(code).toBe(1)
    expect(found(report, 'no-primary')?.severity).toBe('critical')
  })

  test('a primary whose standby the application does not know of is advised to name it', async () => {
    expect(idsOf((await doctor('--url', primary.url())).report)).toContain('no-failover-server')
  })

  test('one server under two names is no failover', async () => {
    const { report } = await doctor(
      '--url',
      primary.url(),
      '--url',
      primary.url().replace('127.0.0.1', 'localhost'),
    )
    expect(found(report, 'server-named-twice')).toBeDefined()
  })

  test('servers of two clusters are found out', async () => {
    const other = await startCluster()
    try {
      const { report } = await doctor('--url', primary.url(), '--url', other.primary.url())
      expect(found(report, 'servers-of-several-clusters')?.severity).toBe('critical')
      expect(idsOf(report)).not.toContain('several-primaries')
    } finally {
      await other.stop()
    }
  })

  test('one of two servers that is down is a finding, and none that is there is exit code 3', async () => {
    const down = 'postgres://postgres:hidden-word@127.0.0.1:1/postgres'
    const one = await doctor('--url', primary.url(), '--url', down)
    expect(one.code).toBe(1)
    expect(found(one.report, 'unreachable')).toMatchObject({
      severity: 'critical',
      servers: ['127.0.0.1:1/postgres'],
    })
    const none = await doctor('--url', down)
    expect(none.code).toBe(3)
    expect(JSON.stringify([one, none])).not.toContain('hidden-word')
  })

  test('a wrong password is exit code 3, and is not printed', async () => {
    const outcome = await runCommand(['doctor', '--url', primary.url({ password: 'hidden-word' })])
    expect(outcome.code).toBe(3)
    expect(outcome.stdout).toContain('password authentication failed')
    expect(outcome.stdout + outcome.stderr).not.toContain('hidden-word')
  })

  test('a server that does not answer is given up at the deadline', async () => {
    await primary.freeze()
    try {
      const outcome = await runCommand([
        'doctor',
        '--json',
        '--url',
        primary.url(),
        '--timeout',
        '500',
      ])
      expect(outcome.code).toBe(3)
      expect((JSON.parse(outcome.stdout) as DoctorReport).servers[0]?.error).toContain(
        '--timeout is 500 ms',
      )
    } finally {
      await primary.thaw()
    }
  })

  test('what takes longer than there is time is not seen, and the rest is reported', async () => {
    const holder = new Client(primary.url())
    await holder.connect()
    try {
      await holder.query('begin')
      await holder.query('lock table pg_catalog.pg_sequence in access exclusive mode')
      const { code, report } = await doctor('--url', primary.url(), '--timeout', `${patient(1500)}`)
      expect(code).toBe(0)
      expect(report.servers[0]).toMatchObject({ reachable: true, role: 'primary' })
      expect(report.notSeen).toContainEqual(
        expect.objectContaining({
          what: 'sequences',
          reason: expect.stringContaining('no time was left'),
        }),
      )
    } finally {
      await holder.end()
    }
  })

  test('a primary that refuses writes is said to', async () => {
    await primary.query('create database closed')
    await primary.query('alter database closed set default_transaction_read_only = on')
    const { report } = await doctor('--url', primary.url({ database: 'closed' }))
    expect(report.servers[0]?.role).toBe('primary')
    expect(found(report, 'primary-read-only')?.severity).toBe('critical')
  })

  test('a database in which statements are not counted is a finding, until they are', async () => {
    const name = await database('uncounted')
    const idOf = 'statements-not-counted'
    const before = await doctor('--url', primary.url({ database: name }))
    expect(found(before.report, idOf)).toMatchObject({
      severity: 'advice',
      evidence: ['the extension is available and not created'],
    })
    const counted = await database('counted', 'create extension pg_stat_statements')
    const { report } = await doctor('--url', primary.url({ database: counted }))
    expect(found(report, idOf)).toBeUndefined()
    expect(report.servers[0]?.facts).toMatchObject({ pgStatStatements: 'created' })
  })

  test('commits that wait for a standby that is not there are found', async () => {
    await primary.query(`alter system set synchronous_standby_names = 'missing'`)
    await primary.query('select pg_reload_conf()')
    try {
      const { report } = await doctor('--url', primary.url())
      expect(found(report, 'synchronous-standby-missing')?.severity).toBe('critical')
    } finally {
      await primary.query('alter system reset synchronous_standby_names')
      await primary.query('select pg_reload_conf()')
    }
  })

  test('people get the findings with their fixes, without colours where the output is no terminal', async () => {
    const { stdout } = await runCommand(['doctor', '--url', primary.url(), '--instances', '9'])
    expect(stdout).toContain('1. critical connections-exceed-server')
    expect(stdout).toContain('fix: Keep poolSize + maxOverflow at 4 or less')
    expect(stdout).not.toContain('\u001b')
    const coloured = await runCommand(['doctor', '--url', primary.url()], { FORCE_COLOR: '1' })
    expect(coloured.stdout).toContain('\u001b[')
    const plain = await runCommand(['doctor', '--url', primary.url()], {
      FORCE_COLOR: '1',
      NO_COLOR: '1',
    })
    expect(plain.stdout).not.toContain('\u001b')
  })
})
