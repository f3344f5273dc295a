import { inspect } from 'node:util'
import { createConnectionManager } from './create-connection-manager.js'
import { ManagedPool } from './managed-pool.js'
import type { PgManagerOptions } from './manager-options.js'

const create = (options: object) =>
  createConnectionManager({
    databaseUrl: 'postgres://h/d',
    logger: false,
    ...options,
  } as PgManagerOptions)
const failureOf = (work: () => unknown): Error & { option?: string } => {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('expected an error')
}

describe('createConnectionManager names our option for', () => {
  test.each<[object, RegExp]>([
    [{ max: 20 }, /"poolSize": poolSize: 20/],
    [{ min: 1 }, /"minIdle": minIdle: 1/],
    [{ connectionString: 'postgres://u:s3cr3t@h/d' }, /here it is "databaseUrl"$/],
    [{ url: 'postgres://u:s3cr3t@h/d' }, /"databaseUrl"/],
    [{ connectionTimeoutMillis: 3000 }, /acquireTimeoutMs: 3000/],
    [{ idleTimeoutMillis: 3000 }, /idleTimeoutMs: 3000/],
    [{ maxLifetimeSeconds: 3 }, /maxLifetimeMs: 3000/],
    [{ pool: { min: 0, max: 7 } }, /minIdle: 0.*poolSize: 7/],
    [{ connectionLimit: 3 }, /poolSize: 3/],
    [{ username: 'u' }, /here it is "user"$/],
    [{ hostname: 'h' }, /"host"/],
    [{ dbName: 'd' }, /"database"/],
    [{ replicas: [] }, /"failoverUrls"/],
    [{ statement_timeout: 5 }, /clientConfig: \{ statement_timeout \}/],
    [{ query_timeout: 5000 }, /"queryTimeoutMs", in milliseconds: queryTimeoutMs: 5000/],
    [{ application_name: 'x' }, /clientConfig: \{ application_name \}/],
    [{ sslmode: 'require' }, /\?sslmode=/],
    [
      { clientConfig: { max: 5 } },
      /in the option clientConfig; here it is "poolSize": poolSize: 5/,
    ],
    [{ clientConfig: { connectionString: 'postgres://u:s3cr3t@h/d' } }, /"databaseUrl"/],
  ])('%j', (options, message) => {
    const error = failureOf(() => create(options))
    expect(error).toMatchObject({ code: 'CONNMGR_INVALID_OPTION' })
    expect(error.message).toMatch(message)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cr3t')
  })
})

test('nothing of it is said to whom it is an option of', () => {
  const pool = new ManagedPool({
    connectionString: 'postgres://h/d',
    max: 3,
    min: 1,
    connectionTimeoutMillis: 10,
    statement_timeout: 5,
    query_timeout: 5,
    logger: false,
  })
  expect(pool.options.max).toBe(3)
  void pool.end()
  expect(failureOf(() => new ManagedPool({ connectionLimit: 5 } as object))).toMatchObject({
    option: 'connectionLimit',
    message: expect.stringContaining('poolSize: 5'),
  })
})
