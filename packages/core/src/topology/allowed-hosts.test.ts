import { AllowedHosts, canonicalHost, isAllowedHostEntry, isHost } from './allowed-hosts.js'

const configured = (...hosts: string[]) =>
  hosts.map((host) => ({ id: `${host}:5432/app`, host, port: 5432, config: {} }))
const allows = (seed: string, host: string, entries?: string[]) =>
  new AllowedHosts(entries, configured(seed)).has(canonicalHost(host))

describe('without a list, a source may name', () => {
  test.each([
    ['the host itself', 'db1.eu.example.com', 'db1.eu.example.com'],
    ['another spelling of it', 'db1.eu.example.com', 'DB1.eu.Example.com.'],
    ['its siblings', 'db1.eu.example.com', 'db2.eu.example.com'],
    ['what is below its domain', 'db1.eu.example.com', 'a.b.eu.example.com'],
    ['names in the domain of the machine', 'db1', 'db2'],
    ['the loopback under every name', 'localhost', '127.0.0.1'],
    ['the loopback of version 6', '127.0.0.1', '::1'],
    ['neighbours in a private network', '10.1.2.3', '10.1.200.9'],
    ['neighbours in a unique local network', 'fd00:1:2::5', 'fd00:1:2:9::7'],
    ['an IPv4 address written as version 6', '10.1.2.3', '::ffff:10.1.2.4'],
    ['an address in any spelling', '2001:db8::1', '2001:DB8:0:0::1'],
  ])('%s', (_name, seed, host) => {
    expect(allows(seed, host)).toBe(true)
  })

  test.each([
    ['another domain', 'db1.eu.example.com', 'db1.us.example.com'],
    ['a domain that ends alike', 'db1.eu.example.com', 'db1.eueu.example.com.evil.org'],
    ['a domain that only ends in the same letters', 'db1.eu.example.com', 'evileu.example.com'],
    ['the domain of a name of two parts', 'example.com', 'evil.com'],
    ['a domain that anybody may have a name in', 'example.co.uk', 'evil.co.uk'],
    ['an address instead of a name', 'db1.eu.example.com', '10.0.0.9'],
    ['a name instead of an address', '10.1.2.3', 'db1'],
    ['another private network', '10.1.2.3', '10.2.0.1'],
    ['neighbours in a public network', '203.0.113.5', '203.0.113.6'],
    ['neighbours in a public network of version 6', '2001:db8::1', '2001:db8::2'],
    ['a name with a domain beside one without', 'db1', 'db1.evil.org'],
  ])('not %s', (_name, seed, host) => {
    expect(allows(seed, host)).toBe(false)
  })
})

describe('a list', () => {
  test('allows names, domains, addresses and networks, and the hosts of the options', () => {
    const entries = ['db9.org', '*.Internal.', '192.0.2.7', '10.0.0.0/8', 'fd00::/8']
    for (const host of ['DB9.org', 'a.internal', '192.0.2.7', '10.200.1.1', 'fd12::1', 'seed.net'])
      expect(allows('seed.net', host, entries)).toBe(true)
    for (const host of ['internal', 'db8.org', '192.0.2.8', '11.0.0.1', 'other.seed.net'])
      expect(allows('seed.net', host, entries)).toBe(false)
  })

  test('of a star allows all', () => {
    expect(allows('db1', '203.0.113.5', ['*'])).toBe(true)
  })

  test('that is empty allows nothing but the hosts of the options', () => {
    expect(allows('db1.eu.example.com', 'db2.eu.example.com', [])).toBe(false)
    expect(allows('db1.eu.example.com', 'db1.eu.example.com', [])).toBe(true)
  })

  test.each(['', 'a b', '10.0.0.0/33', '10.0.0.0/', 'db/8', '*.', 'http://db', 7, null])(
    'does not take %p',
    (entry) => {
      expect(isAllowedHostEntry(entry)).toBe(false)
    },
  )
})

test.each([
  'evil\nhost',
  'a b',
  'user@host',
  'host/path',
  'host?x',
  'host#x',
  'a..b',
  '-a',
  '',
  'x'.repeat(254),
  '127.1',
  '2130706433',
  '0x7f000001',
  'a,b',
  'a:5432',
  '%00',
])('%p is no host', (host) => {
  expect(isHost(canonicalHost(host))).toBe(false)
})
