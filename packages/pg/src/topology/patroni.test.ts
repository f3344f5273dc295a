import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'
import { endpointFrom } from '../endpoint-config.js'
import { patroniTopology } from './patroni.js'

const { signal } = new AbortController()
const configured = [
  endpointFrom('databaseUrl', { connectionString: 'postgres://app:secret@10.0.0.1:5432/app' }),
]
const answering = (body: unknown, status = 200) => ({
  ok: status === 200,
  status,
  json: async () => body,
})
const member = (host: string, role: string, port = 5432) => ({
  name: host,
  host,
  port,
  role,
  state: 'running',
})

describe('what Patroni says', () => {
  test('adds the members to the servers of the URLs, and names the leader', async () => {
    const source = patroniTopology({
      urls: ['http://10.0.0.1:8008'],
      fetch: async (url) => {
        expect(url).toBe('http://10.0.0.1:8008/cluster')
        return answering({
          members: [
            member('10.0.0.2', 'leader'),
            member('10.0.0.1', 'replica'),
            { name: 'no host' },
          ],
        })
      },
    })
    const { endpoints, primary } = await source.discover(configured, signal)
    expect(endpoints.map((each) => each.id)).toEqual(['10.0.0.1:5432/app', '10.0.0.2:5432/app'])
    expect(endpoints[0]).toBe(configured[0])
    expect(primary).toBe('10.0.0.2:5432/app')
  })

  test('is taken from whichever API answers first', async () => {
    const source = patroniTopology({
      urls: ['http://a', 'http://b', 'http://c'],
      fetch: async (url) => {
        if (url.startsWith('http://a'))
          throw new TypeError('fetch failed', { cause: new Error('refused') })
        if (url.startsWith('http://b')) return answering({}, 503)
        return answering({ members: [member('10.0.0.9', 'replica')] })
      },
    })
    const { endpoints, primary } = await source.discover(configured, signal)
    expect(endpoints.map((each) => each.host)).toEqual(['10.0.0.1', '10.0.0.9'])
    expect(primary).toBeUndefined()
  })

  test.each<[unknown, string]>([
    [undefined, 'names no member'],
    [{ members: 'many' }, 'names no member'],
    [{ members: [{ host: 7, port: 'x' }] }, 'names no member'],
  ])('is an error if it makes no sense: %j', async (body, message) => {
    const source = patroniTopology({ urls: ['http://a'], fetch: async () => answering(body) })
    await expect(source.discover(configured, signal)).rejects.toThrow(message)
  })

  test('is asked for at URLs, of which there must be one', () => {
    for (const urls of [[], undefined, ['not a url']]) {
      expect(() => patroniTopology({ urls } as never)).toThrow(
        expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION' }),
      )
    }
  })
})

describe('Patroni beside real servers', () => {
  let cluster: PostgresCluster
  let api: Server
  let answer: () => unknown
  let manager: PgConnectionManager

  beforeEach(async () => {
    cluster = await startCluster({ standbys: 1 })
    api = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer()))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => api.once('listening', resolve))
    const { port } = api.address() as AddressInfo
    manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      logger: false,
      topology: patroniTopology({ urls: [`http://127.0.0.1:${port}`], refreshMs: 100 }),
    })
  })
  afterEach(async () => {
    await manager.close({ drainTimeoutMs: patient(1000) })
    api.closeAllConnections()
    api.close()
    await cluster.stop()
  })

  test('makes a standby known that no URL names; lies about the leader, silence and nonsense change nothing', async () => {
    const [standby] = cluster.standbys
    const all = (leader: number | undefined) => ({
      members: cluster.nodes.map((node, index) =>
        member('127.0.0.1', index === leader ? 'leader' : 'replica', node.port),
      ),
    })
    answer = () => all(0)
    await manager.start()
    expect(manager.getFailoverStatus()).toMatchObject({
      state: 'STEADY',
      endpoints: [{ role: 'primary' }, { role: 'standby' }],
    })
    const answers: unknown[] = [all(1), all(undefined), { members: [] }, 'nonsense']
    for (const lie of answers) {
      const asked = new Promise<void>((resolve) => {
        let count = 0
        answer = () => {
          count += 1
          if (count === 2) resolve()
          return lie
        }
      })
      await asked
      expect((await manager.pool.query('select pg_is_in_recovery() as r')).rows).toEqual([
        { r: false },
      ])
    }
    api.closeAllConnections()
    api.close()
    expect(manager.getFailoverStatus()).toMatchObject({ state: 'STEADY', failovers: 0 })
    await cluster.primary.crash()
    await standby?.promote()
    await eventually(() => manager.getFailoverStatus().failovers === 1)
    expect((await manager.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })
})
