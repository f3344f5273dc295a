import type { Endpoint } from '../driver/contract.js'
import { addressOf, EndpointAdmission, MOST_ENDPOINTS } from './endpoint-admission.js'
import type { TopologySource } from './source.js'

const endpoint = (host: string, more: Partial<Endpoint> = {}): Endpoint => ({
  id: `${host}:${more.port ?? 5432}/app`,
  host,
  port: 5432,
  database: 'app',
  config: {},
  ...more,
})
const seed = endpoint('db1.internal.example')

function admission(more: Partial<TopologySource> = {}): EndpointAdmission {
  const source = { name: 'test', refreshMs: 1, timeoutMs: 1, discover: () => Promise.reject() }
  return new EndpointAdmission({ ...source, ...more }, [seed])
}

function admit(endpoints: unknown[], primary?: string, present: Endpoint[] = []) {
  const discovery = { endpoints: endpoints as Endpoint[], ...(primary ? { primary } : {}) }
  return admission().admit(discovery, new Set(present.map(addressOf)))
}

test('what is configured stays as it is configured, however a source spells or calls it', () => {
  const spoofed = endpoint('DB1.internal.example.', { id: 'other', config: { host: 'evil' } })
  const { discovery, refused } = admit([spoofed, endpoint('db1.internal.example')], 'other')
  expect(discovery.endpoints).toEqual([seed])
  expect(discovery.endpoints[0]).toBe(seed)
  expect(discovery.primary).toBe(seed.id)
  expect(refused).toEqual([])
})

test('another address does not get in under the id of a configured endpoint', () => {
  const { discovery, refused } = admit([endpoint('db2.internal.example', { id: seed.id })])
  expect(discovery.endpoints).toEqual([])
  expect(refused).toEqual([expect.stringContaining('is given the id of a configured endpoint')])
})

test('one address counts once', () => {
  const twice = [endpoint('db2.internal.example'), endpoint('DB2.internal.example')]
  expect(admit(twice).discovery.endpoints).toEqual([twice[0]])
})

test('another port of the same host is another endpoint', () => {
  const other = endpoint('db1.internal.example', { port: 5433 })
  expect(admit([seed, other]).discovery.endpoints).toEqual([seed, other])
})

test.each([0, -1, 70_000, 5432.5, Number.NaN, '5432', null])('port %p is refused', (port) => {
  const { discovery, refused } = admit([
    seed,
    endpoint('db2.internal.example', { port: port as number }),
  ])
  expect(discovery.endpoints).toEqual([seed])
  expect(refused).toEqual([expect.stringContaining('which is not a whole number from 1 to 65535')])
})

test.each(['db2\n.internal.example', 'x@db2.internal.example', '/tmp', ' db2.internal.example'])(
  'host %p is refused, and shown harmless',
  (host) => {
    const { discovery, refused } = admit([endpoint(host)])
    expect(discovery.endpoints).toEqual([])
    expect(refused).toEqual([expect.stringContaining('neither the name nor the address')])
    expect(refused.join()).not.toContain('\n')
  },
)

test('entries that are none are refused, and the others taken', () => {
  const { discovery, refused } = admit([null, {}, 'db', seed])
  expect(discovery.endpoints).toEqual([seed])
  expect(refused).toEqual(['an entry is no endpoint'])
  expect(() => admit(undefined as never)).toThrow('no list')
})

test('a host that is not allowed is refused with the option that allows it, and nothing is believed of it', () => {
  const { discovery, refused } = admit([seed, endpoint('10.9.9.9')], '10.9.9.9:5432/app')
  expect(discovery).toEqual({ endpoints: [seed] })
  expect(refused[0]).toContain(
    '10.9.9.9 is none of the allowed hosts (db1.internal.example, *.internal.example)',
  )
  expect(refused[0]).toContain("allowedHosts: ['10.9.9.9', ...]")
})

test('an address of a configured name is allowed, unless a list says otherwise', () => {
  const address = endpoint('10.9.9.9', { resolvedFrom: seed.id })
  expect(admit([address]).discovery.endpoints).toEqual([address])
  const strict = admission({ allowedHosts: ['10.1.0.0/16'] })
  expect(strict.admit({ endpoints: [address] }, new Set()).refused).toHaveLength(1)
  const foreign = endpoint('10.9.9.9', { resolvedFrom: 'what is not configured' })
  expect(admit([foreign]).discovery.endpoints).toEqual([])
})

test('no more are taken than a cluster has; what is in service is not displaced by a flood', () => {
  const flood = Array.from({ length: 10_000 }, (_, index) => endpoint(`n${index}.internal.example`))
  const present = [endpoint('db7.internal.example')]
  const { discovery, refused } = admit([...flood, ...present, seed], undefined, [...present, seed])
  expect(discovery.endpoints).toHaveLength(MOST_ENDPOINTS)
  expect(discovery.endpoints).toEqual(expect.arrayContaining([...present, seed]))
  expect(refused).toHaveLength(6)
  expect(refused.at(-1)).toMatch(/^and \d+ more$/)
})
