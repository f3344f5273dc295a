import { addressId, makeEndpoint, withHiddenPassword } from '../driver/endpoint.js'
import { type EndpointMaker, resolveServers, type ServersOptions } from './resolve-servers.js'
import type { ServerParts } from './server-parts.js'

/** A database whose URLs are `db://host:port/database`. */
const maker: EndpointMaker<ServerParts, ServerParts> = {
  ofUrl({ url }, base) {
    const { hostname: host, port, pathname } = new URL(url)
    const parts = {
      host,
      port: Number(port),
      ...(pathname.length > 1 && { database: pathname.slice(1) }),
    }
    return maker.ofConfig({ ...base(parts), ...parts })
  },
  ofConfig: ({ host = 'localhost', port = 1, database }) =>
    makeEndpoint(
      {
        id: addressId(host, Number(port), database),
        host,
        port: Number(port),
        ...(database !== undefined && { database }),
      },
      {},
    ),
  inherited: ({ database }) => (database === undefined ? {} : { database }),
}
const ENV = { DATABASE_URL: 'db://env:1/app', DATABASE_FAILOVER_URLS: 'db://env2:2,db://env3:3' }

const idsOf = (options: Partial<ServersOptions<ServerParts>>) =>
  resolveServers(
    { server: {}, config: {}, env: {}, whatToPass: 'pass one', ...options },
    maker,
  ).map((each) => each.id)

test.each<[string, Partial<ServersOptions<ServerParts>>, string[]]>([
  ['the environment alone', { env: ENV }, ['env:1/app', 'env2:2/app', 'env3:3/app']],
  [
    'a URL, without the failover servers of the environment',
    { databaseUrl: 'db://a:1/d', env: ENV },
    ['a:1/d'],
  ],
  ['parts, likewise', { server: { host: 'a', port: '7', database: 'd' }, env: ENV }, ['a:7/d']],
  [
    'failover URLs beside the environment',
    { failoverUrls: 'db://b:2', env: ENV },
    ['env:1/app', 'b:2/app'],
  ],
  ['a URL and parts that agree', { databaseUrl: 'db://a:1/d', server: { port: '1' } }, ['a:1/d']],
  ['the tools of the database name it', { environmentNamesServer: true }, ['localhost:1']],
])('takes the servers of %s', (_name, options, ids) => {
  expect(idsOf(options)).toEqual(ids)
})

test.each<[string, Partial<ServersOptions<ServerParts>>, string]>([
  ['no server', {}, 'option "databaseUrl" is missing and DATABASE_URL is not set; pass one'],
  [
    'an empty URL',
    { databaseUrl: ' ' },
    'option "databaseUrl" must be a connection URL, but it is empty',
  ],
  ['an empty part', { server: { host: '' } }, 'option "host" must be a string that is not empty'],
  [
    'a port that is none',
    { server: { port: 'x' } },
    'option "port" must be a whole number from 1 to 65535',
  ],
  [
    'parts that contradict the URL',
    { databaseUrl: 'db://a:1/d', server: { host: 'b' } },
    'option "host" is "b", but databaseUrl has "a"; give one of them',
  ],
  [
    'a server twice',
    { databaseUrl: 'db://a:1/d', failoverUrls: ['db://a:1/d'] },
    'option "failoverUrls" names a:1/d again; list each server once',
  ],
  [
    'two databases',
    { databaseUrl: 'db://a:1/d', failoverUrls: ['db://b:1/e'] },
    'the endpoints a:1/d and b:1/e name two databases',
  ],
  [
    'failover URLs of another type',
    { databaseUrl: 'db://a:1/d', failoverUrls: 5 as never },
    'option "failoverUrls" must be an array of URLs, but it is a number',
  ],
])('refuses %s', (_name, options, message) => {
  expect(() => idsOf(options)).toThrow(
    expect.objectContaining({
      code: 'CONNMGR_INVALID_OPTION',
      message: expect.stringContaining(message),
    }),
  )
})

test('a password stays out of sight where parts come beside it', () => {
  const config = withHiddenPassword<ServerParts, string>({}, 's3cr3t')
  const ofConfig = jest.fn(maker.ofConfig)
  resolveServers({ server: { host: 'a' }, config, env: {}, whatToPass: '' }, { ...maker, ofConfig })
  const seen = ofConfig.mock.lastCall?.[0]
  expect(JSON.stringify(seen)).toBe('{"host":"a"}')
  expect(seen).toHaveProperty('password', 's3cr3t')
})
