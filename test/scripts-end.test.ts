import {
  eventually,
  findFreePort,
  type PostgresCluster,
  patient,
  startCluster,
} from '@connmgr/testing'
import { ADAPTERS } from './adapters.js'
import { startProgram } from './program.js'

let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
})
afterAll(() => cluster.stop())

const one = (): object => ({ databaseUrl: cluster.primary.url() })
const several = (): object => ({
  databaseUrl: cluster.primary.url(),
  failoverUrls: cluster.standbys.map((each) => each.url()),
})

async function run(
  adapter: string,
  work: string,
  options: object,
  env: Readonly<Record<string, string>> = {},
) {
  const program = await startProgram('script.ts', [adapter, work], {
    // Far above what an end takes: read only by a process that is kept for longer than it should be.
    LATE_MS: String(patient(8000)),
    ...env,
    OPTIONS: JSON.stringify(options),
  })
  return program.ended
}

describe('a script that closes nothing ends', () => {
  test.each(Object.keys(ADAPTERS))('at once with allowExitOnIdle, under %s', async (adapter) => {
    const options = { ...one(), allowExitOnIdle: true }
    for (const work of ['many', 'transaction'])
      expect(await run(adapter, work, options)).toEqual({ code: 0, lines: ['done'], stderr: '' })
  })

  test.each(Object.keys(ADAPTERS))(
    'at once with allowExitOnIdle and several servers, under %s',
    async (adapter) => {
      const options = { ...several(), allowExitOnIdle: true }
      expect(await run(adapter, 'many', options)).toEqual({ code: 0, lines: ['done'], stderr: '' })
    },
  )

  test('when its connections have been idle for the time of pg.Pool, under every adapter', async () => {
    // It is kept for a while, and not for the ten minutes after which such a connection is closed.
    const ends = Object.keys(ADAPTERS).map((each) =>
      run(each, 'many', several(), { LATE_MS: '500' }),
    )
    for (const { code, lines, stderr } of await Promise.all(ends))
      expect({ code, lines, stderr }).toEqual({ code: 0, lines: ['done', 'late'], stderr: '' })
  })

  test('when the idle time-out has passed, if that is shorter', async () => {
    const options = { ...one(), idleTimeoutMs: 1500 }
    expect(await run('pg', 'query', options, { LATE_MS: '500' })).toEqual({
      code: 0,
      lines: ['done', 'late'],
      stderr: '',
    })
    expect(await run('pg', 'query', options)).toMatchObject({ lines: ['done'] })
  })

  test('though a minimum of connections is kept', async () => {
    const options = { ...one(), minIdle: 2, allowExitOnIdle: true }
    expect(await run('ManagedPool', 'query', options)).toMatchObject({ code: 0, lines: ['done'] })
  })

  test('though it has not used its manager', async () => {
    expect(await run('pg', 'nothing', several())).toMatchObject({ code: 0, lines: ['done'] })
  })

  test('though a server is not there', async () => {
    const port = await findFreePort()
    const options = {
      ...one(),
      failoverUrls: [`postgres://postgres@127.0.0.1:${port}/postgres`],
      allowExitOnIdle: true,
      logger: false,
    }
    expect(await run('pg', 'query', options)).toMatchObject({ code: 0, lines: ['done'] })
  })
})

describe('the process stays', () => {
  const options = (): object => ({ ...one(), allowExitOnIdle: true })

  test.each(Object.keys(ADAPTERS))('while a connection is held, under %s', async (adapter) => {
    expect(await run(adapter, 'holding', options())).toMatchObject({
      code: 0,
      lines: ['kept', 'done'],
    })
  })

  test('while a statement is running', async () => {
    expect(await run('pg', 'slow', { ...options(), logger: false })).toMatchObject({
      code: 0,
      lines: ['kept', 'done'],
    })
  })

  test.each([{ acquireTimeoutMs: 2000 }, { acquireTimeoutMs: 2000, startTimeoutMs: 0 }])(
    'while a caller waits for a server that is not there, and no longer, with %j',
    async (timeouts) => {
      const port = await findFreePort()
      const given = {
        databaseUrl: `postgres://postgres@127.0.0.1:${port}/postgres`,
        allowExitOnIdle: true,
        logger: false,
        ...timeouts,
      }
      expect(await run('pg', 'waiting', given, { LATE_MS: String(patient(4000)) })).toMatchObject({
        code: 0,
        lines: ['kept', 'done'],
      })
    },
  )

  test('while a caller awaits what a manager is asked for', async () => {
    expect(await run('pg', 'ready', options())).toMatchObject({ code: 0, lines: ['done'] })
  })

  test('while it listens', async () => {
    const program = await startProgram('script.ts', ['pg', 'listening'], {
      OPTIONS: JSON.stringify(options()),
    })
    await program.printed('kept')
    await eventually(async () => {
      await cluster.primary.query("notify calls, 'end'")
      return program.printed('called').then(() => true)
    })
    expect(await program.ended).toMatchObject({ code: 0 })
  })
})
