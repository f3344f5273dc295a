import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { type Connection, createConnection } from 'mysql2/promise'
import { listServerProcesses } from '../../bin/server-processes.cjs'
import { eventually } from '../eventually.js'
import { startFaultProxy } from '../proxy/fault-proxy.js'
import { describeEachProduct } from './describe-products.js'
import type { MysqlCluster } from './mysql-cluster.js'
import type { MysqlNode } from './mysql-node.js'

const READ_ONLY = { errno: 1290 }
/** The end of a killed process may reach a client as either. */
const LOST = { code: expect.stringMatching(/^(PROTOCOL_CONNECTION_LOST|ECONNRESET)$/) }

const opened: Connection[] = []

afterEach(() => {
  for (const connection of opened.splice(0)) connection.destroy()
})

async function login(target: MysqlNode | string, user = 'app'): Promise<Connection> {
  const uri = typeof target === 'string' ? target : target.url({ user })
  const connection = await createConnection({ uri, connectTimeout: 5000 })
  opened.push(connection)
  connection.on('error', () => {})
  return connection
}

async function rowsOf(connection: Connection, sql: string): Promise<unknown> {
  return (await connection.query(sql))[0]
}

describeEachProduct('a primary with a replica', ({ product, start }) => {
  const { replica } = product.replication
  let cluster: MysqlCluster
  let first: MysqlNode
  let second: MysqlNode

  beforeAll(async () => {
    cluster = await start({ replicas: 1, settings: { 'wait-timeout': '1234' } })
    first = cluster.primary
    second = cluster.replicas[0] as MysqlNode
    await first.query('create table numbers (n int primary key)')
  })
  afterAll(() => cluster?.stop())

  test('the replica shows what the primary wrote and refuses writes of the application', async () => {
    await first.query('insert into numbers values (?)', [7])
    await second.waitForReplay(first)
    const app = await login(second)
    expect(await rowsOf(app, 'select n from numbers')).toEqual([{ n: 7 }])
    await expect(app.query('insert into numbers values (8)')).rejects.toMatchObject(READ_ONLY)
    expect(await second.replication()).toMatchObject({ receiving: true, applying: true, error: '' })
    expect(await first.replication()).toBeUndefined()
  })

  test('settings reach every node, and each has an identity of its own', async () => {
    const identity = product.name === 'MySQL' ? '@@server_uuid' : '@@server_uid'
    const seen = await Promise.all(
      cluster.nodes.map((node) =>
        node.query(`select @@global.wait_timeout as wait, @@server_id as n, ${identity} as id`),
      ),
    )
    expect(seen).toEqual([
      [{ wait: 1234, id: expect.any(String), n: 1 }],
      [{ wait: 1234, id: expect.any(String), n: 2 }],
    ])
    expect(seen[0]?.[0]?.id).not.toBe(seen[1]?.[0]?.id)
  })

  test('the accounts have the rights that they are for', async () => {
    const monitor = await login(second, 'monitor').catch((error) => error)
    // It may not even use the database of the application.
    expect(monitor).toMatchObject({ errno: 1044 })
    const url = second.url({ user: 'monitor', database: 'information_schema' })
    const watching = await login(url)
    expect(await rowsOf(watching, 'select @@global.read_only as ro')).toEqual([{ ro: 1 }])
    await expect(watching.query(`show ${replica} status`)).rejects.toMatchObject({ errno: 1227 })
    await expect((await login(first)).query('create database other')).rejects.toMatchObject({
      errno: 1044,
    })
    await expect(login(first.url({ password: 'wrong' }))).rejects.toMatchObject({ errno: 1045 })
  })

  test('a frozen server keeps its sessions and answers again after the thaw', async () => {
    const app = await login(first)
    await first.freeze()
    let answered = false
    const answer = rowsOf(app, 'select 1 as one').then((rows) => {
      answered = true
      return rows
    })
    // A reply would be here long before another server has been asked something.
    for (let i = 0; i < 5; i += 1) await second.query('select 1')
    expect(answered).toBe(false)
    expect(first.running).toBe(true)
    expect(first.frozen).toBe(true)
    await first.thaw()
    expect(await answer).toEqual([{ one: 1 }])
  })

  test('the sessions of one account, or of all, can be ended', async () => {
    const app = await login(first)
    const monitor = await login(first.url({ user: 'monitor', database: '' }))
    const ended = expect(app.query('select sleep(60)')).rejects.toMatchObject(LOST)
    await eventually(async () => {
      const rows = await first.query(
        `select 1 from information_schema.processlist where info = 'select sleep(60)'`,
      )
      return rows.length === 1
    })
    expect(await first.killConnections('app')).toBe(1)
    await ended
    expect(await rowsOf(monitor, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(await first.killConnections()).toBe(1)
    await expect(monitor.query('select 1')).rejects.toMatchObject({ fatal: true })
    expect(await second.replication()).toMatchObject({ receiving: true })
  })

  test('a full server refuses clients, and the lab still gets in', async () => {
    await first.limitConnections(10)
    let refused: unknown
    for (let n = 0; refused === undefined && n < 20; n += 1) {
      await login(first).catch((error) => {
        refused = error
      })
    }
    expect(refused).toMatchObject({ errno: 1040 })
    expect(await first.query('select 1 as one')).toEqual([{ one: 1 }])
    await first.limitConnections(100)
    await login(first)
    await expect(first.limitConnections(0)).rejects.toThrow(`limitConnections(0): ${product.name}`)
  })

  test('read_only can be switched under sessions that are open', async () => {
    const app = await login(first)
    await first.setReadOnly(true)
    await expect(app.query('insert into numbers values (70)')).rejects.toMatchObject(READ_ONLY)
    await first.setReadOnly(false)
    await app.query('insert into numbers values (70)')
    await app.query('delete from numbers where n = 70')
  })

  test('a restart keeps the port, the data and read_only', async () => {
    const { port } = second
    await second.waitForReplay(first)
    await second.restart()
    expect(second.port).toBe(port)
    expect(await second.query('select n, @@read_only as ro from numbers')).toEqual([
      { n: 7, ro: 1 },
    ])
    await second.stop()
    expect(second.running).toBe(false)
    expect(second.pid).toBeUndefined()
    await second.start()
    await first.query('insert into numbers values (8)')
    await second.waitForReplay(first)
    await first.query('delete from numbers where n = 8')
  })

  test('after a crash the replica takes over, and the old primary follows it', async () => {
    const app = await login(first)
    const lost = expect(app.query('select sleep(60)')).rejects.toMatchObject(LOST)
    await second.waitForReplay(first)
    await first.crash()
    await lost
    expect(first.running).toBe(false)

    await second.promote()
    expect(cluster.primary).toBe(second)
    expect(cluster.replicas).toEqual([])
    await (await login(second)).query('insert into numbers values (9)')

    await first.rejoin(second)
    expect(cluster.replicas).toEqual([first])
    expect(first.readOnly).toBe(true)
    await first.waitForReplay(second)
    expect(await first.query('select n from numbers order by n')).toEqual([{ n: 7 }, { n: 9 }])
  })

  test('roles change hands without a crash and without loss', async () => {
    const app = await login(second)
    await app.query('begin')
    await app.query('insert into numbers values (10)')
    await second.demote()
    await expect(app.query('commit')).rejects.toMatchObject(READ_ONLY)
    await first.waitForReplay(second)
    await first.promote()
    await second.rejoin(first)
    await first.query('insert into numbers values (11)')
    await second.waitForReplay(first)
    expect(await second.query('select n from numbers order by n')).toEqual([
      { n: 7 },
      { n: 9 },
      { n: 11 },
    ])
  })

  test('a replica of a frozen primary is promoted with all that it has received', async () => {
    await second.query(`stop ${replica} sql_thread`)
    await first.query('insert into numbers values (12)')
    const written = await first.executed()
    await eventually(async () => {
      const [status] = await second.query<Record<string, string>>(`show ${replica} status`)
      const received = status?.[product.replication.columns.received]
      if (product.name === 'MariaDB') return received === written
      const [row] = await second.query<{ rest: string }>(
        'select gtid_subtract(?, concat_ws(",", @@global.gtid_executed, ?)) as rest',
        [written, received],
      )
      return row?.rest === ''
    })
    await first.freeze()
    await second.promote()
    expect(await second.query('select n from numbers where n = 12')).toEqual([{ n: 12 }])
  })

  test('an old primary that comes back writable diverges, cannot rejoin and is rebuilt', async () => {
    await second.query('insert into numbers values (13)')
    await first.thaw()
    await (await login(first)).query('insert into numbers values (99)')
    await expect(first.rejoin(second)).rejects.toThrow(/node-1 cannot follow/)
    await first.rebuildAsReplicaOf(second)
    expect(cluster.replicas).toEqual([first])
    expect(first.serverId).toBe(101)
    expect(await first.query('select n from numbers where n > 11 order by n')).toEqual([
      { n: 12 },
      { n: 13 },
    ])
  })
})

describeEachProduct('a server', ({ product, start }) => {
  test('recovers what was committed when it is killed', async () => {
    await using cluster = await start()
    const { primary } = cluster
    await primary.query('create table kept (n int)')
    await primary.query('insert into kept values (1)')
    await primary.crash()
    await primary.start()
    expect(await primary.query('select n from kept')).toEqual([{ n: 1 }])
    expect(await primary.executed()).toMatch(
      product.name === 'MySQL' ? /^[\da-f-]{36}:1-3$/ : /^0-1-3$/,
    )
  })

  test('waits until its port is free again', async () => {
    await using cluster = await start()
    const { primary } = cluster
    const directory = await clusterDirectory(cluster)
    await primary.stop()
    const intruder = createServer().listen(primary.port, primary.host)
    await once(intruder, 'listening')
    const starting = primary.start()
    const attempts = (): number => listServerProcesses(directory).length
    await eventually(() => attempts() === 1)
    await eventually(() => attempts() === 0)
    expect(primary.running).toBe(false)
    intruder.close()
    await starting
    expect(await primary.query('select 1 as one')).toEqual([{ one: 1 }])
  })

  test('says in its own words why it did not start', async () => {
    await expect(start({ settings: { 'no-such-option': '1' } })).rejects.toThrow(
      /unknown variable '(--)?no-such-option=1'/,
    )
  })

  test('leaves neither a process nor a file', async () => {
    const cluster = await start({ replicas: 2 })
    const directory = await clusterDirectory(cluster)
    expect(listServerProcesses(directory)).toHaveLength(3)
    await cluster.replicas[0]?.freeze()
    await cluster.stop()
    await cluster.stop()
    expect(listServerProcesses(directory)).toEqual([])
    expect(existsSync(directory)).toBe(false)
  })
})

describeEachProduct('a synchronous cluster', ({ start }) => {
  test('a commit waits for the replica, and no longer once the replica was taken away', async () => {
    await using cluster = await start({ replicas: 1, synchronous: true })
    const { primary } = cluster
    const [replica] = cluster.replicas
    await primary.query('create table t (n int)')
    await replica?.freeze()
    let committed = false
    const write = primary.query('insert into t values (1)').then(() => {
      committed = true
    })
    await eventually(() => isWaitingForReplica(primary))
    expect(committed).toBe(false)
    await replica?.crash()
    await write
    expect(await primary.query('select n from t')).toEqual([{ n: 1 }])
  })

  test('the frozen primary of a promoted replica acknowledges nothing after its thaw', async () => {
    await using cluster = await start({ replicas: 1, synchronous: true })
    const [old, replica] = cluster.nodes as [MysqlNode, MysqlNode]
    await old.query('create table t (n int)')
    await old.freeze()
    await replica.promote()
    await replica.query('insert into t values (2)')
    await old.thaw()
    let acknowledged = false
    const write = old.query('insert into t values (1)').then(
      () => {
        acknowledged = true
      },
      (error: Error) => error,
    )
    await eventually(() => isWaitingForReplica(old))
    await old.crash()
    expect(await write).toBeInstanceOf(Error)
    expect(acknowledged).toBe(false)
  })
})

describeEachProduct('the fault proxy in front of a server', ({ start }) => {
  test('passes a login and queries, and a black hole silences both', async () => {
    await using cluster = await start()
    await using proxy = await startFaultProxy({ target: cluster.primary })
    const url = new URL(cluster.primary.url())
    url.port = String(proxy.port)
    const app = await login(url.href)
    expect(await rowsOf(app, 'select 1 as one')).toEqual([{ one: 1 }])

    proxy.blackHole('both')
    let answered = false
    const answer = rowsOf(app, 'select 2 as two').finally(() => {
      answered = true
    })
    // The greeting of a server that speaks first does not get through either.
    await expect(createConnection({ uri: url.href, connectTimeout: 300 })).rejects.toMatchObject({
      code: 'ETIMEDOUT',
    })
    expect(answered).toBe(false)
    await proxy.heal()
    expect(await answer).toEqual([{ two: 2 }])

    proxy.reset()
    await expect(app.query('select 3')).rejects.toMatchObject({ fatal: true })
    proxy.refuse()
    await expect(login(url.href)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await proxy.heal()

    const late = await login(url.href)
    proxy.halfOpen()
    const silent = expect(late.query('select 4')).rejects.toMatchObject({ fatal: true })
    await proxy.heal()
    // A half-open connection learns of its end with the next thing that it sends.
    late.query('select 5').catch(() => {})
    await silent
  })
})

async function clusterDirectory(cluster: MysqlCluster): Promise<string> {
  const [row] = await cluster.primary.query<{ data: string }>('select @@datadir as data')
  return path.dirname(row?.data ?? '')
}

async function isWaitingForReplica(node: MysqlNode): Promise<boolean> {
  const rows = await node.query(
    `select 1 from information_schema.processlist where state like '%semi-sync ACK%'`,
  )
  return rows.length > 0
}
