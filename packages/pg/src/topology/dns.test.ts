import {
  eventually,
  type PostgresCluster,
  type PostgresNode,
  patient,
  startCluster,
} from '@connmgr/testing'
import type { ClientConfig } from 'pg'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'
import { endpointFrom } from '../endpoint-config.js'
import { dnsTopology } from './dns.js'

const { signal } = new AbortController()
const named = (host: string, config: ClientConfig = {}) =>
  endpointFrom('databaseUrl', {
    ...config,
    connectionString: `postgres://app:secret@${host}:5433/app`,
  })

describe('names that stand for several servers', () => {
  test('become an endpoint for each address, in an order that does not change', async () => {
    let answers = ['10.0.0.2', '10.0.0.1', '10.0.0.2']
    const source = dnsTopology({ resolve: async () => answers })
    const first = await source.discover([named('db.internal')], signal)
    expect(first.endpoints.map((each) => each.id)).toEqual([
      '10.0.0.1:5433/app',
      '10.0.0.2:5433/app',
    ])
    answers = ['10.0.0.1', '10.0.0.2']
    const second = await source.discover([named('db.internal')], signal)
    expect(second.endpoints.map((each) => each.id)).toEqual(first.endpoints.map((each) => each.id))
    const configs = first.endpoints.map((each) => each.config as ClientConfig)
    expect(configs.map((each) => each.password)).toEqual(['secret', 'secret'])
    expect(JSON.stringify(first)).not.toContain('secret')
  })

  test('keep their certificate’s name', async () => {
    const source = dnsTopology({ resolve: async () => ['10.0.0.1', 'fd00::1'] })
    const sslOf = async (ssl: ClientConfig['ssl']) => {
      const { endpoints } = await source.discover([named('db.internal', { ssl })], signal)
      return endpoints.map((each) => (each.config as ClientConfig).ssl)
    }
    expect(await sslOf(true)).toEqual([
      { servername: 'db.internal' },
      { servername: 'db.internal' },
    ])
    expect(await sslOf({ servername: 'other', ca: 'x' })).toContainEqual({
      servername: 'other',
      ca: 'x',
    })
    expect(await sslOf(false)).toEqual([false, false])
    const { endpoints } = await source.discover([named('db.internal')], signal)
    expect(endpoints.map((each) => each.id)).toContain('[fd00::1]:5433/app')
  })

  test('keep the addresses they had while they cannot be resolved, or resolve to nothing', async () => {
    let answer: () => Promise<string[]> = async () => ['10.0.0.1']
    const source = dnsTopology({ resolve: () => answer() })
    const look = async () =>
      (await source.discover([named('db.internal')], signal)).endpoints.map((each) => each.host)
    expect(await look()).toEqual(['10.0.0.1'])
    answer = () => Promise.reject(new Error('getaddrinfo ENOTFOUND db.internal'))
    expect(await look()).toEqual(['10.0.0.1'])
    answer = async () => []
    expect(await look()).toEqual(['10.0.0.1'])
    expect(await source.discover([named('db.internal')], signal)).toMatchObject({
      problem: { message: 'db.internal has no address' },
    })
  })

  test('that never could be resolved stay as they are', async () => {
    const source = dnsTopology({
      resolve: (name) =>
        name === 'known' ? Promise.resolve(['10.0.0.1']) : Promise.reject(new Error('ENOTFOUND')),
    })
    const { endpoints } = await source.discover([named('known'), named('unknown')], signal)
    expect(endpoints.map((each) => each.host)).toEqual(['10.0.0.1', 'unknown'])
    const configured = [named('unknown')]
    const alone = await source.discover(configured, signal)
    expect(alone).toEqual({ endpoints: configured, problem: new Error('ENOTFOUND') })
  })

  test('are not looked for in addresses and sockets', async () => {
    const source = dnsTopology({ resolve: () => Promise.reject(new Error('asked')) })
    const socket = endpointFrom('databaseUrl', { host: '/var/run/postgresql' })
    const { endpoints } = await source.discover([named('127.0.0.1'), socket], signal)
    expect(endpoints.map((each) => each.host)).toEqual(['127.0.0.1', '/var/run/postgresql'])
  })

  test('are resolved by the machine by default', async () => {
    const { endpoints } = await dnsTopology().discover([named('localhost')], signal)
    expect(['127.0.0.1', '::1']).toContain(endpoints[0]?.host)
  })
})

describe('a name that moves, on real servers', () => {
  let cluster: PostgresCluster
  let manager: PgConnectionManager
  afterEach(async () => {
    await manager.close({ drainTimeoutMs: patient(1000) })
    await cluster.stop()
  })

  test('is followed to a server on another address', async () => {
    // All of 127.0.0.0/8 is this machine: two addresses, one port.
    cluster = await startCluster({ settings: { listen_addresses: '127.0.0.1,127.0.0.2' } })
    const node = cluster.primary as PostgresNode
    let address = '127.0.0.1'
    manager = createConnectionManager({
      databaseUrl: node.url().replace('127.0.0.1', 'db.internal'),
      logger: false,
      topology: dnsTopology({ refreshMs: 100, resolve: async () => [address] }),
    })
    const from = async () =>
      (await manager.pool.query('select host(inet_server_addr()) as address')).rows[0].address
    expect(await from()).toBe('127.0.0.1')
    address = '127.0.0.2'
    await eventually(async () => (await from()) === '127.0.0.2')
    await eventually(() => manager.getFailoverStatus().endpoints.length === 1)
    expect(manager.getFailoverStatus()).toMatchObject({ state: 'STEADY' })
    expect(manager.getPoolMetrics()).toMatchObject({ failedCheckouts: 0 })
  })
})
