import {
  eventually,
  type PostgresCluster,
  patient,
  type ScriptedServer,
  startCluster,
  startScriptedServer,
} from '@connmgr/testing'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'
import { patroniTopology } from './patroni.js'

/** Patroni's API has been taken over, or is wrong: it names a server of another owner. */
describe('a rogue server that Patroni calls the leader', () => {
  let cluster: PostgresCluster
  let rogue: ScriptedServer
  let manager: PgConnectionManager
  let members: object[]

  beforeAll(async () => {
    cluster = await startCluster({ hbaMethod: 'scram-sha-256' })
    await cluster.primary.query('create table notes (text text)')
  })
  afterAll(() => cluster.stop())
  afterEach(async () => {
    await manager.close({ drainTimeoutMs: patient(1000) })
    await rogue.close()
  })

  function manage(more: object = {}): PgConnectionManager {
    const own = { host: '127.0.0.1', port: cluster.primary.port, role: 'replica' }
    members = [own, { host: '127.0.0.1', port: rogue.port, role: 'leader' }]
    const answering = async () => ({ ok: true, status: 200, json: async () => ({ members }) })
    manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      logger: false,
      failover: { probeIntervalMs: 50 },
      topology: patroniTopology({ urls: ['http://patroni'], refreshMs: 50, fetch: answering }),
      ...more,
    })
    return manager
  }
  const statusOf = (port: number) =>
    manager.getFailoverStatus().endpoints.find((each) => each.port === port)
  const insert = () => manager.pool.query("insert into notes values ('x')")
  /** A primary, as far as it says, on a timeline that is far ahead. */
  const claiming = (systemId: string | null) => (text: string) =>
    text.includes('pg_is_in_recovery')
      ? ['f', 'off', systemId, '000000630000000000000001', null, '99999999', 'now', '0']
      : undefined

  test('gets no password in clear, no write, and fences no server', async () => {
    rogue = await startScriptedServer({ login: 'password', answer: claiming(null) })
    manage()
    await manager.start()
    for (let n = 0; n < 20; n += 1) await insert()
    await eventually(() => statusOf(rogue.port)?.state === 'QUARANTINED')
    expect(statusOf(rogue.port)?.lastError?.code).toBe('CONNMGR_AUTHENTICATION_REFUSED')
    expect(rogue.proofs).toEqual([])
    expect(rogue.statements).toEqual([])
    expect(statusOf(cluster.primary.port)).toMatchObject({ active: true, state: 'UP' })
  })

  test.each([
    ['no cluster', null, 'UNPROVEN'],
    ['another cluster', '4711', 'QUARANTINED'],
  ])('that lets everybody in and shows %s gets no write', async (_name, systemId, state) => {
    rogue = await startScriptedServer({ answer: claiming(systemId) })
    manage({ minIdle: 2 })
    await manager.start()
    await eventually(() => statusOf(rogue.port)?.state === state)
    // Neither a restart of the primary nor its loss makes it the writer.
    await cluster.primary.stop('immediate')
    await expect(
      manager.acquire({ timeoutMs: patient(500) }).then((lease) => lease.release()),
    ).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
    await cluster.primary.start()
    await insert()
    expect(rogue.statements.filter((each) => !each.includes('pg_is_in_recovery'))).toEqual([])
    // Once it is named no more, it is gone.
    members = members.slice(0, 1)
    await eventually(() => statusOf(rogue.port) === undefined)
    expect(manager.getFailoverStatus()).toMatchObject({ state: 'STEADY' })
  })

  test('is not even looked at on a host that is not allowed, or with a port that is none', async () => {
    rogue = await startScriptedServer()
    manage()
    members = [
      { host: '203.0.113.9', port: 5432, role: 'leader' },
      { host: '127.0.0.1', port: 70_000, role: 'leader' },
      { host: '127.0.0.1\nevil', port: 5432, role: 'leader' },
      { host: '127.0.0.1', port: cluster.primary.port, role: 'replica' },
    ]
    const refused: (readonly string[] | undefined)[] = []
    manager.on('topologyFailed', (event) => refused.push(event.refused))
    await insert()
    expect(manager.getFailoverStatus().endpoints).toHaveLength(1)
    expect(refused).toEqual([
      [
        expect.stringContaining("allowedHosts: ['203.0.113.9', ...]"),
        expect.stringContaining('70000'),
        expect.stringContaining('"127.0.0.1\\nevil"'),
      ],
    ])
  })

  test('among hundreds takes no more than its share, and the process goes on', async () => {
    rogue = await startScriptedServer()
    manage()
    members = Array.from({ length: 5000 }, (_, index) => ({
      host: '127.0.0.1',
      port: 1 + index,
      role: 'replica',
    }))
    await insert()
    expect(manager.getFailoverStatus().endpoints.length).toBeLessThanOrEqual(32)
  })
})
