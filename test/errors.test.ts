import { inspect } from 'node:util'
import {
  type PostgresCluster,
  patient,
  type SilentServer,
  startCluster,
  startSilentServer,
} from '@connmgr/testing'
import { ADAPTERS } from './adapters.js'

const SECRET = 's3cret'
const names = Object.keys(ADAPTERS)
let cluster: PostgresCluster
let silent: SilentServer

beforeAll(async () => {
  cluster = await startCluster({ hbaMethod: 'scram-sha-256' })
  silent = await startSilentServer()
})
afterAll(async () => {
  await silent.close()
  await cluster.stop()
})

const at = (port: number): string => `postgres://postgres:${SECRET}@127.0.0.1:${port}/postgres`

/** The error of the engine: what was thrown, or the first of ours among its causes. */
function ours(thrown: unknown): { code: string; message: string } {
  let error = thrown as { code?: unknown; message: string; cause?: unknown } | undefined
  while (error !== undefined && !String(error.code).startsWith('CONNMGR_')) {
    error = error.cause as typeof error
  }
  if (error === undefined) throw new Error(`no error of ours in ${inspect(thrown)}`)
  return error as { code: string; message: string }
}

/** What comes of a first query with these options. The process must have nothing left of it. */
async function failure(name: string, options: object): Promise<{ code: string; message: string }> {
  const open = ADAPTERS[name] as (typeof ADAPTERS)[string]
  const thrown: unknown = await open({
    logger: false,
    acquireTimeoutMs: patient(800),
    connectTimeoutMs: patient(500),
    ...options,
  }).then(
    async (access) => {
      const error = await access.query('select 1').then(
        () => undefined,
        (reason: unknown) => reason,
      )
      await access.close()
      return error
    },
    (reason: unknown) => reason,
  )
  if (thrown === undefined) throw new Error('expected a failure')
  expect(inspect(thrown, { depth: 10, showHidden: true })).not.toContain(SECRET)
  return ours(thrown)
}

describe.each(names)('through %s', (name) => {
  test.each<[string, object, string]>([
    ['an unknown option', { databaseUrl: at(1), poolsize: 3 }, 'did you mean "poolSize"?'],
    ['a negative number', { databaseUrl: at(1), poolSize: -1 }, 'but it is -1'],
    ['a number that is none', { databaseUrl: at(1), maxOverflow: Number.NaN }, 'but it is NaN'],
    ['a malformed URL', { databaseUrl: `postgres://u:${SECRET}@host:port/db` }, 'u:***@host:port'],
    ['another scheme', { databaseUrl: `mongodb://u:${SECRET}@host/db` }, 'unsupported scheme'],
    ['several hosts', { databaseUrl: `postgres://u:${SECRET}@a:1,b:2/db` }, 'in failoverUrls'],
    [
      'a malformed failover URL',
      { databaseUrl: at(1), failoverUrls: [`postgres://u:${SECRET}@host:port/db`] },
      'failoverUrls',
    ],
  ])('%s is an error that says the fix', async (_case, options, part) => {
    const error = await failure(name, options)
    expect(error.code).toBe('CONNMGR_INVALID_OPTION')
    expect(error.message).toContain(part)
  })

  test('an unreachable server is named, with what the system said', async () => {
    const error = await failure(name, { databaseUrl: at(1) })
    expect(error.code).toBe('CONNMGR_ACQUIRE_TIMEOUT')
    expect(error.message).toContain(
      'the server cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
    )
  })

  test('a server that never answers is distinguished from an exhausted pool', async () => {
    const error = await failure(name, { databaseUrl: at(silent.port) })
    expect(error.code).toBe('CONNMGR_ACQUIRE_TIMEOUT')
    expect(error.message).toMatch(/took longer than connectTimeoutMs \(\d+ ms\)/)
  })

  test('a wrong password fails at once', async () => {
    const error = await failure(name, {
      databaseUrl: cluster.primary.url({ password: SECRET }),
      acquireTimeoutMs: patient(60_000),
    })
    expect(error.code).toBe('CONNMGR_CONNECT_FAILED')
    expect(error.message).toContain('password authentication failed for user "postgres"')
  })

  test('a missing database fails at once', async () => {
    const error = await failure(name, {
      databaseUrl: cluster.primary.url({ database: 'nowhere' }),
      acquireTimeoutMs: patient(60_000),
    })
    expect(error.code).toBe('CONNMGR_CONNECT_FAILED')
    expect(error.message).toContain('database "nowhere" does not exist')
  })
})
