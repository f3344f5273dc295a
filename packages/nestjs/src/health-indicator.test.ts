import 'reflect-metadata'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import {
  Controller,
  Get,
  type INestApplication,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus'
import {
  ConnmgrHealthIndicator,
  ConnmgrModule,
  getConnectionManagerToken,
  type HealthCheckOptions,
  InjectConnectionManager,
} from './index.js'

let cluster: PostgresCluster
let app: INestApplication | undefined

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
afterEach(async () => {
  await app?.close()
  app = undefined
})

/** In which order things have come to an end. */
let ends: string[] = []
let asked: HealthCheckOptions = {}

interface Shown {
  readonly state: string
  readonly role: string
  readonly active: boolean
}

@Controller()
class Probes {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(ConnmgrHealthIndicator) private readonly database: ConnmgrHealthIndicator,
  ) {}

  @Get('livez')
  live(): object {
    return { status: 'ok' }
  }

  @Get('readyz')
  @HealthCheck({ noCache: true })
  ready() {
    return this.health.check([() => this.database.check('database', asked)])
  }
}

@Injectable()
class Users implements OnApplicationShutdown {
  constructor(@InjectConnectionManager() readonly manager: PgConnectionManager) {}

  onApplicationShutdown(): void {
    ends.push(`users, manager ${this.manager.closed ? 'closed' : 'open'}`)
  }
}

@Controller('users')
class UsersController {
  constructor(@Inject(Users) private readonly users: Users) {}

  @Get('slow')
  async slow(): Promise<object> {
    const { rows } = await this.users.manager.pool.query('select pg_sleep(1), 1 as id')
    return rows
  }
}

async function start(
  options: { graceMs?: number; requires?: 'writes'; poolSize?: number } = {},
): Promise<string> {
  const { poolSize = 5, ...health } = options
  asked = {}
  ends = []
  @Module({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      ConnmgrModule.forRoot({
        health,
        waitUntilReady: true,
        manager: () =>
          createConnectionManager({
            databaseUrl: cluster.primary.url(),
            poolSize,
            maxOverflow: 0,
            logger: false,
            healthMonitoring: { intervalMs: 200 },
          }),
      }),
    ],
    controllers: [Probes, UsersController],
    providers: [Users],
  })
  class App {}
  app = await NestFactory.create(App, { logger: false })
  await app.listen(0, '127.0.0.1')
  return app.getUrl()
}

type Result = { status: string; details: Record<string, Record<string, unknown>> }

async function ask(url: string): Promise<[number, Result]> {
  const response = await fetch(`${url}/readyz`, { headers: { connection: 'close' } })
  return [response.status, (await response.json()) as Result]
}

const managerOf = (of: INestApplication): PgConnectionManager => of.get(getConnectionManagerToken())

test('is up, down after the grace of an outage, and up again; liveness does not care', async () => {
  const url = await start({ graceMs: 1500 })
  await eventually(async () => (await ask(url))[1].details.database?.message === undefined)
  expect(await ask(url)).toEqual([
    200,
    expect.objectContaining({
      status: 'ok',
      details: {
        database: { status: 'up', inUse: 0, idle: expect.any(Number), waiting: 0, limit: 5 },
      },
    }),
  ])
  await cluster.primary.stop('immediate')
  await eventually(async () => {
    const [status, { details }] = await ask(url)
    return status === 200 && /; ready for another/.test(String(details.database?.message))
  })
  await eventually(async () => (await ask(url))[0] === 503)
  const [, { details }] = await ask(url)
  expect(details.database).toMatchObject({
    status: 'down',
    message: expect.stringMatching(/^the database has not served for \d+ s$/),
  })
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  await cluster.primary.start()
  await eventually(async () => (await ask(url))[0] === 200)
})

test('an exhausted pool is up, with the reason, and no probe borrows', async () => {
  const url = await start({ poolSize: 1 })
  const manager = managerOf(app as INestApplication)
  const lease = await manager.acquire()
  const { totalCheckouts } = manager.getPoolMetrics()
  for (let round = 0; round < 50; round += 1) {
    const [status, { details }] = await ask(url)
    expect([status, details.database]).toEqual([
      200,
      expect.objectContaining({
        status: 'up',
        message: 'pool exhausted: 1 of 1 connections are in use, 0 callers wait',
      }),
    ])
  }
  expect(manager.getPoolMetrics().totalCheckouts).toBe(totalCheckouts)
  lease.release()
})

test('tells as much as it is asked for', async () => {
  const url = await start()
  asked = { details: 'none' }
  expect((await ask(url))[1].details.database).toEqual({ status: 'up' })
  asked = {}
  expect(JSON.stringify(await ask(url))).not.toContain(String(cluster.primary.port))
  asked = { details: 'full' }
  // The first probe may still be under way.
  await eventually(async () => {
    const servers = (await ask(url))[1].details.database?.servers as readonly Shown[] | undefined
    const [server] = servers ?? []
    return server?.state === 'UP' && server.role === 'primary' && server.active
  })
})

test.each([
  [{ manager: 'other' }, 'must be the name of a ConnmgrModule, but none is called "other"'],
  [{ details: 'all' }, "option \"details\" must be one of 'none', 'summary', 'full'"],
  [{ name: 'x' }, 'unknown option "name"'],
])('refuses %p', async (options, message) => {
  await start()
  const indicator = (app as INestApplication).get(ConnmgrHealthIndicator)
  await expect(indicator.check('database', options as never)).rejects.toMatchObject({
    code: 'CONNMGR_INVALID_OPTION',
    message: expect.stringContaining(message),
  })
})

test('works without Terminus in the application', async () => {
  @Module({
    imports: [
      ConnmgrModule.forRoot({
        waitUntilReady: true,
        manager: () =>
          createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false }),
      }),
    ],
  })
  class Plain {}
  const context = await NestFactory.createApplicationContext(Plain, { logger: false })
  const result = await context.get(ConnmgrHealthIndicator).check('database')
  expect(result.database.status).toBe('up')
  await context.close()
  const after = await context.get(ConnmgrHealthIndicator).check('database')
  expect(after.database).toMatchObject({
    status: 'down',
    message: 'the application is shutting down; the manager is closed',
  })
})

test('shuts down in order: readiness, requests under way, services, manager', async () => {
  const url = await start()
  const nest = app as INestApplication
  const manager = managerOf(nest)
  manager.on('poolClosed', ({ stragglers }) => ends.push(`pool, ${stragglers.length} stragglers`))
  const indicator = nest.get(ConnmgrHealthIndicator)
  const slow = fetch(`${url}/users/slow`, { headers: { connection: 'close' } }).then(
    async (each) => {
      ends.push(`request, ${each.status}`)
      return each.json()
    },
  )
  await eventually(() => manager.getPoolMetrics().checkedOut === 1)
  const closing = nest.close()
  await eventually(async () => (await indicator.check('database')).database.status === 'down')
  // The request is still served: readiness has come before everything else.
  expect(manager.closed).toBe(false)
  await Promise.all([closing, slow])
  expect(await slow).toEqual([expect.objectContaining({ id: 1 })])
  expect(ends).toEqual([
    expect.stringMatching(/^(request, 200|users, manager open)$/),
    expect.stringMatching(/^(request, 200|users, manager open)$/),
    'pool, 0 stragglers',
  ])
  expect(manager.closed).toBe(true)
})
