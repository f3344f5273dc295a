import type { Probe, ProbeResult } from '@connmgr/core/driver'
import { describeMysql, type MysqlCluster, type MysqlNode, startMysql } from '@connmgr/testing'
import type { Connection } from 'mysql2'
import { ask } from '../../test/asking.js'
import { endpointFrom } from '../config/endpoint-config.js'
import { MysqlDriver } from '../driver.js'

const UUID = /^[0-9a-f-]{36}$/

describeMysql('what a MySQL server answers about itself', () => {
  let cluster: MysqlCluster
  let primary: MysqlNode
  let replica: MysqlNode
  const driver = new MysqlDriver()
  const opened: (Probe | { destroy(): void })[] = []

  beforeAll(async () => {
    cluster = await startMysql({ replicas: 1 })
    primary = cluster.primary
    replica = cluster.replicas[0] as MysqlNode
    await primary.query('create table t (n int primary key)')
    await replica.waitForReplay(primary)
  })
  afterEach(() => {
    for (const each of opened.splice(0)) each.destroy()
  })
  afterAll(() => cluster?.stop())

  const context = () => ({ signal: new AbortController().signal, onSignal: () => {} })
  const endpointOf = (node: MysqlNode, user: string) =>
    endpointFrom('url', { uri: node.url({ user, ...(user === 'monitor' && { database: '' }) }) })
  const probe = async (node: MysqlNode, user = 'app'): Promise<ProbeResult> => {
    const opening = await driver.replication.openProbe(endpointOf(node, user), context())
    opened.push(opening)
    return opening.check(context().signal)
  }
  const connect = async (node: MysqlNode, user = 'app'): Promise<Connection> => {
    const connection = await driver.connect(endpointOf(node, user), context())
    opened.push({ destroy: () => driver.destroy(connection) })
    return connection
  }

  test('a server that takes writes is a primary, known by its UUID and its start, with its GTID set as its history', async () => {
    const result = await probe(primary)
    const [row] = await primary.query<{ id: string }>('select @@server_uuid as id')
    expect(row?.id).toMatch(UUID)
    expect(result).toMatchObject({
      role: 'primary',
      writable: true,
      server: row?.id,
      startedAt: expect.stringMatching(/^\d{10}$/),
      history: `mysql ${row?.id} ${await primary.executed()}`,
      position: `mysql ${await primary.executed()}`,
      details: { version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    })
    expect((await probe(primary)).startedAt).toBe(result.startedAt)
  })

  test('a replica is a standby, and shows how far it is behind to who may know', async () => {
    const result = await probe(replica, 'admin')
    expect(result).toMatchObject({
      role: 'standby',
      writable: false,
      details: { lagSeconds: expect.any(Number) },
      roundTrips: 2,
    })
    expect(result.missing).toBeUndefined()
    expect((await probe(replica, 'monitor')).missing).toEqual([
      expect.objectContaining({ name: 'REPLICATION CLIENT' }),
    ])
    await primary.query("create user watcher@'%' identified by 'x'")
    await primary.query("grant replication client on *.* to watcher@'%'")
    await replica.waitForReplay(primary)
    const uri = replica.url({ user: 'watcher', password: 'x', database: '' })
    const watching = await driver.replication.openProbe(endpointFrom('url', { uri }), context())
    opened.push(watching)
    // What it has just applied may still count as a second.
    expect(await watching.check(context().signal)).toMatchObject({
      details: { lagSeconds: expect.any(Number) },
    })
  })

  test('super_read_only makes it a standby, and binds the administrator too', async () => {
    const connection = await connect(primary, 'admin')
    await primary.query('set global super_read_only = on')
    try {
      expect(await probe(primary)).toMatchObject({ role: 'standby', writable: false })
      const failure = await ask(connection, 'insert into t values (1)').catch((error) => error)
      expect(failure).toMatchObject({ errno: 1290 })
      expect(driver.classify(failure)).toBe('read-only')
    } finally {
      await primary.setReadOnly(false)
    }
  })

  test('transactions that only read by default make a primary that is not writable', async () => {
    await primary.query('set global transaction_read_only = on')
    expect(await probe(primary)).toMatchObject({ role: 'primary', writable: false })
    await primary.query('set global transaction_read_only = off')
  })

  test('a standby covers what was written once it has applied it, also with tags', async () => {
    const writing = await connect(primary, 'admin')
    const reading = await connect(replica)
    const { covers, readPlace, writePlace } = driver.replication
    const place = async () => (await readPlace(reading))?.position ?? ''
    const written = async () => (await writePlace(writing)).position ?? ''
    await replica.query('stop replica sql_thread')
    await ask(writing, 'insert into t values (10)')
    const plain = await written()
    await ask(writing, "set gtid_next = 'automatic:deploy'")
    await ask(writing, 'insert into t values (11)')
    const tagged = await written()
    expect(tagged).toMatch(/:deploy:1$/)
    expect([covers(await place(), plain), covers(tagged, plain)]).toEqual([false, true])
    await replica.query('start replica sql_thread')
    await replica.waitForReplay(primary)
    expect(covers(await place(), tagged)).toBe(true)
    expect(covers(plain, tagged)).toBe(false)
  })

  test('a primary has no place to read from as a standby', async () => {
    expect(await driver.replication.readPlace(await connect(primary))).toBeUndefined()
  })

  test('a promoted server that has written is ahead of the writer before it, until that writes too', async () => {
    const order = async () =>
      driver.replication.order(
        (await probe(replica)).history ?? '',
        (await probe(primary)).history ?? '',
      )
    await replica.waitForReplay(primary)
    expect(await order()).toBe('equal')
    await replica.promote()
    await replica.query('insert into t values (20)')
    expect(await order()).toBe('ahead')
    await primary.query('insert into t values (21)')
    expect(await order()).toBe('diverged')
    await expect(primary.rejoin(replica)).rejects.toThrow('has not executed')
  })
})

describeMysql('a MySQL server without GTIDs', () => {
  test('cannot say what was written, and its probe gives no history', async () => {
    await using cluster = await startMysql({
      settings: { 'gtid-mode': 'off', 'enforce-gtid-consistency': 'off' },
    })
    const driver = new MysqlDriver()
    const endpoint = endpointFrom('url', { uri: cluster.primary.url() })
    const context = { signal: new AbortController().signal, onSignal: () => {} }
    const connection = await driver.connect(endpoint, context)
    await expect(driver.replication.writePlace(connection)).rejects.toMatchObject({
      code: 'CONNMGR_UNSUPPORTED',
      message: expect.stringContaining('gtid_mode=ON'),
    })
    const result = await driver.replication.ask(connection)
    expect(result).toMatchObject({ role: 'primary', writable: true })
    expect(result).not.toHaveProperty('history')
    driver.destroy(connection)
  })
})
