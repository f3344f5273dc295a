import 'reflect-metadata'
import assert from 'node:assert/strict'
import {
  ConnmgrHealthIndicator,
  ConnmgrModule,
  getConnectionManagerToken,
  InjectConnectionManager,
} from '@connmgr/nestjs'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { Controller, Get, Inject, Module, type OnApplicationShutdown } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
} from '@nestjs/terminus'
import { sameType } from './expect.js'

const there = createConnectionManager({ name: 'there', logger: false })
let openAtShutdown = false

@Controller()
class AppController implements OnApplicationShutdown {
  constructor(
    @InjectConnectionManager() private readonly manager: PgConnectionManager,
    @InjectConnectionManager('there') private readonly second: PgConnectionManager,
    @Inject(ConnmgrHealthIndicator) private readonly database: ConnmgrHealthIndicator,
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
  ) {}

  @Get('answer')
  async answer(): Promise<unknown> {
    assert.equal(this.second, there)
    const { rows } = await this.manager.pool.query('select 42 as answer')
    return rows[0]
  }

  @Get('readyz')
  @HealthCheck()
  ready() {
    return this.health.check([
      () => this.database.check('database'),
      () => this.database.check('second', { manager: 'there' }),
    ])
  }

  onApplicationShutdown(): void {
    openAtShutdown = !this.manager.closed
  }
}

@Module({
  imports: [
    TerminusModule.forRoot({ logger: false }),
    ConnmgrModule.forRootAsync({
      waitUntilReady: true,
      useFactory: () => createConnectionManager({ logger: false, poolSize: 1, maxOverflow: 0 }),
    }),
    ConnmgrModule.forRoot({ name: 'there', manager: there, waitUntilReady: true }),
  ],
  controllers: [AppController],
})
class AppModule {}

// @ts-expect-error a manager is needed
const without = () => ConnmgrModule.forRoot({ name: 'none' })

async function main(): Promise<void> {
  assert.throws(without, { code: 'CONNMGR_INVALID_OPTION' })
  const app = await NestFactory.create(AppModule, { logger: ['error'], abortOnError: false })
  await app.listen(0, '127.0.0.1')
  const url = await app.getUrl()
  const ask = async (path: string): Promise<[number, unknown]> => {
    const response = await fetch(url + path, { headers: { connection: 'close' } })
    return [response.status, await response.json()]
  }
  assert.deepEqual(await ask('/answer'), [200, { answer: 42 }])
  const manager = app.get<PgConnectionManager>(getConnectionManagerToken())
  const indicator = app.get(ConnmgrHealthIndicator)
  const result = await indicator.check('database')
  sameType<typeof result.database.status, 'up' | 'down'>()
  assert.equal(result.database.status, 'up')
  assert.deepEqual((await ask('/readyz'))[0], 200)

  // Degraded, where Terminus knows that, and ready in any case.
  const knowsDegraded = 'degraded' in new HealthIndicatorService().check('x')
  const lease = await manager.acquire()
  const [status, body] = await ask('/readyz')
  assert.equal(status, 200)
  const { details } = body as { details: Record<string, { status: string; message?: string }> }
  assert.equal(details.database?.status, knowsDegraded ? 'degraded' : 'up')
  assert.match(details.database?.message ?? '', /^pool exhausted: 1 of 1 /)
  assert.equal(details.second?.status, 'up')
  lease.release()

  await app.close()
  assert.deepEqual([openAtShutdown, manager.closed, there.closed], [true, true, false])
  assert.equal((await indicator.check('database')).database.status, 'down')
  await there.close()
}

void main()
