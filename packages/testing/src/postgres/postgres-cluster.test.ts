import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { Client } from 'pg'
import { listServerProcesses } from '../../bin/server-processes.cjs'
import { eventually } from '../eventually.js'
import { type PostgresCluster, startCluster } from './postgres-cluster.js'
import type { PostgresNode } from './postgres-node.js'

describe('a primary with a standby', () => {
  let cluster: PostgresCluster
  let first: PostgresNode
  let second: PostgresNode

  beforeAll(async () => {
    cluster = await startCluster({ standbys: 1, settings: { work_mem: '1MB' } })
    first = cluster.primary
    second = cluster.standbys[0] as PostgresNode
    await first.query('create table numbers (n int)')
  })
  afterAll(() => cluster.stop())

  test('the standby shows what the primary wrote and refuses writes', async () => {
    await first.query('insert into numbers values ($1)', [7])
    await second.waitForReplay(first)
    expect(await second.query('select n from numbers')).toEqual([{ n: 7 }])
    await expect(second.query('insert into numbers values (8)')).rejects.toMatchObject({
      code: '25006',
    })
  })

  test('settings reach every node', async () => {
    for (const node of cluster.nodes) {
      expect(await node.query('show work_mem')).toEqual([{ work_mem: '1MB' }])
    }
  })

  test('a frozen server keeps its sessions and answers again after the thaw', async () => {
    const client = new Client({ connectionString: first.url() })
    await client.connect()
    try {
      await first.freeze()
      let answered = false
      const answer = client.query('select 1 as one').then(({ rows }) => {
        answered = true
        return rows
      })
      // A reply would be here long before another server has been asked something.
      for (let i = 0; i < 5; i += 1) await second.query('select 1')
      expect(answered).toBe(false)
      expect(first.running).toBe(true)
      await first.thaw()
      expect(await answer).toEqual([{ one: 1 }])
    } finally {
      await client.end()
    }
  })

  test('stop and start keep the port and the data', async () => {
    const { port } = first
    await first.stop()
    expect(first.running).toBe(false)
    expect(first.pid).toBeUndefined()
    await first.start()
    expect(first.port).toBe(port)
    expect(await first.query('select n from numbers')).toEqual([{ n: 7 }])
  })

  test('a crash closes the sessions, the standby takes over and the old primary comes back as standby', async () => {
    const client = new Client({ connectionString: first.url() })
    client.on('error', () => {})
    await client.connect()
    const ended = new Promise<void>((resolve) => client.once('end', resolve))
    await first.crash()
    await ended
    expect(first.running).toBe(false)

    await second.promote()
    expect(cluster.primary).toBe(second)
    expect(cluster.standbys).toEqual([])
    await second.query('insert into numbers values (9)')

    await first.rebuildAsStandbyOf(second)
    expect(cluster.standbys).toEqual([first])
    await first.waitForReplay(second)
    expect(await first.query('select n from numbers order by n')).toEqual([{ n: 7 }, { n: 9 }])
  })
})

test('a crashed server recovers what was committed', async () => {
  await using cluster = await startCluster()
  const { primary } = cluster
  await primary.query('create table kept as select 1 as n')
  await primary.crash()
  await primary.start()
  expect(await primary.query('select n from kept')).toEqual([{ n: 1 }])
})

test('with scram-sha-256 only the right password is let in', async () => {
  await using cluster = await startCluster({ hbaMethod: 'scram-sha-256', standbys: 1 })
  const [standby] = cluster.standbys
  expect(await standby?.query('select current_user::text as name')).toEqual([{ name: 'postgres' }])
  const client = new Client({ connectionString: cluster.primary.url({ password: 'wrong' }) })
  await expect(client.connect()).rejects.toMatchObject({ code: '28P01' })
})

test('a start waits until its port is free again', async () => {
  await using cluster = await startCluster()
  const { primary } = cluster
  await primary.stop()
  const intruder = createServer().listen(primary.port, primary.host)
  await once(intruder, 'listening')
  const starting = primary.start()
  // by now at least one attempt has failed
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(primary.running).toBe(false)
  intruder.close()
  await starting
  expect(await primary.query('select 1 as one')).toEqual([{ one: 1 }])
})

test('stopped in smart mode a server waits for its clients', async () => {
  await using cluster = await startCluster()
  const client = new Client({ connectionString: cluster.primary.url() })
  await client.connect()
  const stopping = cluster.primary.stop('smart')
  await eventually(async () => {
    const refused = await cluster.primary.query('select 1').catch((error) => error)
    return refused.code === '57P03'
  })
  expect(await client.query('select 1 as one')).toMatchObject({ rows: [{ one: 1 }] })
  await client.end()
  await stopping
  expect(cluster.primary.running).toBe(false)
})

describe('a synchronous cluster', () => {
  test('a commit waits for the standby, and no longer once the standby was taken away', async () => {
    await using cluster = await startCluster({ standbys: 1, synchronous: true })
    const { primary } = cluster
    const [standby] = cluster.standbys
    await primary.query('create table t (n int)')
    await standby?.freeze()
    let committed = false
    const write = primary.query('insert into t values (1)').then(() => {
      committed = true
    })
    await eventually(() => isWaitingForStandby(primary))
    expect(committed).toBe(false)
    await standby?.crash()
    await write
    expect(await primary.query('select n from t')).toEqual([{ n: 1 }])
  })

  test('a promoted standby takes writes although it has no standby', async () => {
    await using cluster = await startCluster({ standbys: 1, synchronous: true })
    const [standby] = cluster.standbys
    await cluster.primary.crash()
    await standby?.promote()
    await cluster.primary.query('create table t as select 1 as n')
    expect(await cluster.primary.query('show synchronous_standby_names')).toEqual([
      { synchronous_standby_names: '' },
    ])
  })

  test('the frozen primary of a promoted standby acknowledges nothing after its thaw', async () => {
    await using cluster = await startCluster({ standbys: 1, synchronous: true })
    const [old, standby] = cluster.nodes as [PostgresNode, PostgresNode]
    await old.query('create table t (n int)')
    await old.freeze()
    await standby.promote()
    await old.thaw()
    let acknowledged = false
    const write = old.query('insert into t values (1)').then(
      () => {
        acknowledged = true
      },
      (error: Error) => error,
    )
    await eventually(() => isWaitingForStandby(old))
    await old.crash()
    expect(await write).toBeInstanceOf(Error)
    expect(acknowledged).toBe(false)
  })
})

test('independent clusters have different system identifiers', async () => {
  await using one = await startCluster()
  await using other = await startCluster()
  const sql = 'select system_identifier::text from pg_control_system()'
  expect(await one.primary.query(sql)).not.toEqual(await other.primary.query(sql))
})

test('a setting that PostgreSQL refuses fails the start with the server’s own words', async () => {
  await expect(startCluster({ settings: { shared_buffers: 'many' } })).rejects.toThrow(
    /invalid value for parameter "shared_buffers": "many"/,
  )
})

test('after stop there is neither a process nor a file', async () => {
  const cluster = await startCluster({ standbys: 1 })
  const [{ data_directory: data }] = (await cluster.primary.query('show data_directory')) as [
    { data_directory: string },
  ]
  const directory = path.dirname(data)
  expect(listServerProcesses(path.basename(directory)).length).toBeGreaterThan(2)
  await cluster.standbys[0]?.freeze()
  await cluster.stop()
  await cluster.stop()
  expect(listServerProcesses(path.basename(directory))).toEqual([])
  expect(existsSync(directory)).toBe(false)
})

async function isWaitingForStandby(node: PostgresNode): Promise<boolean> {
  const [row] = await node.query<{ waiting: boolean }>(
    `select exists (select from pg_stat_activity where wait_event = 'SyncRep') as waiting`,
  )
  return row?.waiting === true
}
