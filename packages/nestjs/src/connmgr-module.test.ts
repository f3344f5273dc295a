import 'reflect-metadata'
import { ConnectionManager } from '@connmgr/core'
import { FakeDriver, fakeEndpoint } from '@connmgr/testing'
import {
  type DynamicModule,
  type INestApplicationContext,
  Injectable,
  Module,
  type OnApplicationShutdown,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  ConnmgrModule,
  type ConnmgrOptionsFactory,
  getConnectionManagerToken,
  InjectConnectionManager,
} from './index.js'

type Manager = ConnectionManager<object>

let driver: FakeDriver
let made: Manager[] = []
let apps: INestApplicationContext[] = []

beforeEach(() => {
  driver = new FakeDriver()
})
afterEach(async () => {
  await Promise.all(apps.map((each) => each.close()))
  await Promise.all(made.map((each) => each.close({ drainTimeoutMs: 0 })))
  apps = []
  made = []
})

function create(name = 'main'): Manager {
  const manager = new ConnectionManager<object>({
    driver: driver as never,
    endpoints: [fakeEndpoint('a')],
    options: { name, logger: false, startTimeoutMs: 500 },
  })
  made.push(manager)
  return manager
}

@Injectable()
class Repository implements OnApplicationShutdown {
  closedAtShutdown: boolean | undefined

  constructor(@InjectConnectionManager() readonly manager: Manager) {}

  onApplicationShutdown(): void {
    this.closedAtShutdown = this.manager.closed
  }
}

async function start(
  imports: DynamicModule[],
  providers: NonNullable<DynamicModule['providers']> = [],
): Promise<INestApplicationContext> {
  @Module({ imports, providers })
  class App {}
  const app = await NestFactory.createApplicationContext(App, {
    logger: false,
    abortOnError: false,
  })
  apps.push(app)
  return app
}

const failureOf = (imports: () => DynamicModule[]): Promise<Error & { code?: string }> =>
  (async () => start(imports()))().then(
    () => Promise.reject(new Error('it has started')),
    (error: Error) => error,
  )

describe('whose a manager is', () => {
  test('one that a function makes is closed after those that use it', async () => {
    const app = await start([ConnmgrModule.forRoot({ manager: () => create() })], [Repository])
    const repository = app.get(Repository)
    expect(repository.manager).toBe(made[0])
    expect(await repository.manager.use(() => 'used')).toBe('used')
    await app.close()
    expect(repository.closedAtShutdown).toBe(false)
    expect(made[0]?.closed).toBe(true)
    expect(made).toHaveLength(1)
  })

  test('one that a promise gives is as well', async () => {
    const app = await start([ConnmgrModule.forRoot({ manager: async () => create() })])
    await app.close()
    expect(made[0]?.closed).toBe(true)
  })

  test('one that is there stays open', async () => {
    const manager = create()
    const app = await start([ConnmgrModule.forRoot({ manager })], [Repository])
    expect(app.get(Repository).manager).toBe(manager)
    await app.close()
    expect(manager.closed).toBe(false)
  })

  test.each([true, false])('`close: %s` has the last word', async (close) => {
    const manager = create('there')
    const app = await start([
      ConnmgrModule.forRoot({ manager, close }),
      ConnmgrModule.forRoot({ name: 'other', manager: () => create('other'), close }),
    ])
    await app.close()
    expect(made.map((each) => each.closed)).toEqual([close, close])
  })

  test('drainTimeoutMs reaches close()', async () => {
    const app = await start([
      ConnmgrModule.forRoot({
        drainTimeoutMs: 5,
        manager: () => {
          const manager = create()
          jest.spyOn(manager, 'close')
          return manager
        },
      }),
    ])
    await app.close()
    expect(made[0]?.close).toHaveBeenCalledWith({ drainTimeoutMs: 5 })
  })
})

describe('forRootAsync', () => {
  const SETTINGS = 'settings'

  @Module({
    providers: [{ provide: SETTINGS, useValue: { name: 'configured' } }],
    exports: [SETTINGS],
  })
  class Settings {}

  test('injects into a factory that returns a manager, which was made there', async () => {
    const app = await start([
      ConnmgrModule.forRootAsync({
        imports: [Settings],
        inject: [SETTINGS],
        useFactory: async ({ name }: { name: string }) => create(name),
      }),
    ])
    expect(app.get<Manager>(getConnectionManagerToken()).name).toBe('configured')
    await app.close()
    expect(made[0]?.closed).toBe(true)
  })

  test('takes options from a factory, before those beside it', async () => {
    const there = create()
    const app = await start([
      ConnmgrModule.forRootAsync({
        close: false,
        useFactory: () => ({ manager: () => create('a'), close: true }),
      }),
      ConnmgrModule.forRootAsync({ name: 'there', useFactory: () => ({ manager: there }) }),
      ConnmgrModule.forRootAsync({ name: 'kept', close: false, useFactory: () => create('kept') }),
    ])
    await app.close()
    const closed = Object.fromEntries(made.map((each) => [each.name, each.closed]))
    expect(closed).toEqual({ main: false, a: true, kept: false })
  })

  @Injectable()
  class Factory implements ConnmgrOptionsFactory {
    createConnmgrOptions() {
      return { manager: () => create('by class') }
    }
  }

  @Module({ providers: [Factory], exports: [Factory] })
  class Factories {}

  test.each([
    ['useClass', { useClass: Factory }],
    ['useExisting', { imports: [Factories], useExisting: Factory }],
  ])('takes a class: %s', async (_way, options) => {
    const app = await start([ConnmgrModule.forRootAsync(options)])
    expect(app.get<Manager>(getConnectionManagerToken()).name).toBe('by class')
    await app.close()
    expect(made[0]?.closed).toBe(true)
  })
})

describe('several managers', () => {
  @Injectable()
  class Both {
    constructor(
      @InjectConnectionManager() readonly main: Manager,
      @InjectConnectionManager('reports') readonly reports: Manager,
    ) {}
  }

  test('are distinguished by their names', async () => {
    const app = await start(
      [
        ConnmgrModule.forRoot({ manager: () => create('main') }),
        ConnmgrModule.forRootAsync({ name: 'reports', useFactory: () => create('reports') }),
      ],
      [Both],
    )
    const { main, reports } = app.get(Both)
    expect([main.name, reports.name]).toEqual(['main', 'reports'])
    expect(app.get(getConnectionManagerToken('reports'))).toBe(reports)
    await app.close()
    expect([main.closed, reports.closed]).toEqual([true, true])
  })

  test('of the same name are refused', async () => {
    const error = await failureOf(() => [
      ConnmgrModule.forRoot({ name: 'x', manager: () => create() }),
      ConnmgrModule.forRoot({ name: 'x', manager: () => create() }),
    ])
    expect(error).toMatchObject({ code: 'CONNMGR_INVALID_OPTION' })
    expect(error.message).toContain('2 are called "x"')
  })

  test('belong to each application of a process by itself', async () => {
    const one = await start([ConnmgrModule.forRoot({ manager: () => create('one') })])
    const two = await start([ConnmgrModule.forRoot({ manager: () => create('two') })])
    await one.close()
    expect(made.map((each) => each.closed)).toEqual([true, false])
    expect(two.get<Manager>(getConnectionManagerToken()).name).toBe('two')
  })

  test('that are not global are seen by those that import their module', async () => {
    const local = ConnmgrModule.forRoot({ name: 'local', global: false, manager: () => create() })

    @Injectable()
    class User {
      constructor(@InjectConnectionManager('local') readonly manager: Manager) {}
    }

    @Module({ imports: [local], providers: [User] })
    class Inside {}

    @Module({ providers: [User] })
    class Outside {}

    const app = await start([{ module: Inside }])
    expect(app.get(User).manager).toBe(made[0])
    const error = await failureOf(() => [{ module: Inside }, { module: Outside }])
    expect(error.message).toContain(getConnectionManagerToken('local'))
  })
})

describe('waitUntilReady', () => {
  test('starts the application once the manager is ready', async () => {
    const app = await start([
      ConnmgrModule.forRoot({ waitUntilReady: true, manager: () => create() }),
    ])
    expect(app.get<Manager>(getConnectionManagerToken()).getHealthStatus().healthy).toBe(true)
  })

  test.each([
    ['made for it is closed', () => ({ manager: () => create() }), true],
    ['there stays open', () => ({ manager: create() }), false],
  ])('fails the start with the reason; a manager that was %s', async (_what, options, closed) => {
    driver.server('a').state = 'denied'
    const error = await failureOf(() => [
      ConnmgrModule.forRoot({ waitUntilReady: { timeoutMs: 5000 }, ...options() }),
    ])
    expect(error.code).toBe('CONNMGR_CONNECT_FAILED')
    expect(made[0]?.closed).toBe(closed)
  })
})

describe('options that are wrong', () => {
  const manager = {} as Manager

  test.each([
    [{}, 'option "manager" must be a ConnectionManager, or a function that makes one'],
    [{ manager }, 'option "manager" must be a ConnectionManager'],
    [{ manager: create, drainTimeoutMs: -1 }, 'option "drainTimeoutMs" must be a number'],
    [{ manager: create, drainTimeout: 1 }, 'unknown option "drainTimeout"'],
    [{ manager: create, close: 'yes' }, 'option "close" must be true or false, but it is "yes"'],
    [{ manager: create, name: '' }, 'option "name" must be a text that is not empty'],
    [{ manager: create, global: 1 }, 'option "global" must be true or false'],
    [
      { manager: create, waitUntilReady: 5000 },
      'option "waitUntilReady" must be true, false or an',
    ],
    [{ manager: create, health: { grace: 1 } }, 'unknown option "grace" in health'],
  ])('of forRoot are refused at once: %p', (options, message) => {
    expect(() => ConnmgrModule.forRoot(options as never)).toThrow(message)
  })

  test.each([
    [{}, 'option "useFactory" must be the only one of useFactory, useClass, useExisting'],
    [{ useFactory: create, useClass: Object }, 'but it is "useFactory and useClass"'],
    [{ useFactory: create, manager }, 'unknown option "manager" in ConnmgrModule.forRootAsync'],
  ])('of forRootAsync are refused at once: %p', (options, message) => {
    expect(() => ConnmgrModule.forRootAsync(options as never)).toThrow(message)
  })

  test.each([
    [() => undefined, 'option "manager" must be a ConnectionManager'],
    [
      () => ({ manager: () => 'postgres://u:hunter2@h/d' }),
      'option "manager" must be a Connection',
    ],
    [() => ({ manager: () => create(), drainTimeoutMs: '5s' }), 'option "drainTimeoutMs" must be'],
    [() => ({ manager: () => create(), graceMs: 1 }), 'unknown option "graceMs"'],
  ])('of a factory fail the start: %p', async (useFactory, message) => {
    const error = await failureOf(() => [
      ConnmgrModule.forRootAsync({ useFactory: useFactory as never }),
    ])
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('hunter2')
  })

  test('of health fail the start, and close what was made', async () => {
    const error = await failureOf(() => [
      ConnmgrModule.forRoot({ manager: () => create(), health: { graceMs: -5 } }),
    ])
    expect(error.message).toContain('option "graceMs" must be a number of milliseconds')
    expect(made[0]?.closed).toBe(true)
  })
})
