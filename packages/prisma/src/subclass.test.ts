import { inspect } from 'node:util'
import type { PgConnectionManager } from '@connmgr/pg'
import { connectionManagerAdapter, withConnectionManager } from '@connmgr/prisma'
import { Opened, type PostgresCluster } from '@connmgr/testing'
import { PrismaClient } from '../test/generated/client.js'
import { startShop } from '../test/shop.js'

const opened = new Opened()
let cluster: PostgresCluster

beforeAll(async () => {
  cluster = await startShop()
})
afterEach(() => opened.close())
afterAll(() => cluster.stop())

const settings = () => ({ databaseUrl: cluster.primary.url(), logger: false }) as const

/** As services of Nest are written, without a constructor of its own. */
class PrismaService extends PrismaClient {
  readonly greeting = 'hello'
  #connected = 0

  async onModuleInit(): Promise<void> {
    await this.$connect()
    this.#connected += 1
  }

  timesConnected(): number {
    return this.#connected
  }

  async countUsers(): Promise<number> {
    return this.$transaction((tx) => tx.user.count())
  }
}

class ServiceOfItsOwn extends PrismaClient {
  declare readonly $connections: PgConnectionManager

  constructor() {
    super({
      adapter: connectionManagerAdapter(settings()),
      log: [{ emit: 'event', level: 'query' }],
    })
    withConnectionManager(this)
    opened.add(this.$connections)
  }
}

describe('a subclass of PrismaClient', () => {
  it('keeps its own members, private ones too', async () => {
    const service = withConnectionManager(PrismaService, settings())
    await service.onModuleInit()
    expect([service.greeting, service.timesConnected()]).toEqual(['hello', 1])
    expect(await service.countUsers()).toBe(0)
    expect(service.$connections.getPoolMetrics().totalCheckouts).toBe(2)
    await service.$disconnect()
    expect(service.$connections.closed).toBe(true)
  })

  it('is an instance of its class, of PrismaClient, and of nothing else', async () => {
    class Other extends PrismaClient {}
    const service = withConnectionManager(PrismaService, settings())
    const plain = withConnectionManager((adapter) => new PrismaClient({ adapter }), settings())
    expect(service).toBeInstanceOf(PrismaService)
    expect(service).toBeInstanceOf(PrismaClient)
    expect(service.$extends({ client: { a: 1 } })).toBeInstanceOf(PrismaService)
    expect(plain).toBeInstanceOf(PrismaClient)
    expect(plain).not.toBeInstanceOf(PrismaService)
    expect(service).not.toBeInstanceOf(Other)
    for (const foreign of [undefined, null, 1, {}, Object.create(null), () => {}])
      expect(foreign).not.toBeInstanceOf(PrismaClient)
    await Promise.all([service.$disconnect(), plain.$disconnect()])
  })

  it('can manage itself in its constructor', async () => {
    const service = new ServiceOfItsOwn()
    const queries: string[] = []
    service.$on('query' as never, (event: { query: string }) => queries.push(event.query))
    expect(await service.user.count()).toBe(0)
    expect(queries).toHaveLength(1)
    expect(service.$connections.getPoolMetrics().totalCheckouts).toBe(2)
    expect(service).toBeInstanceOf(ServiceOfItsOwn)
    expect(withConnectionManager(service)).toBe(service)
    await service.$disconnect()
    expect(service.$connections.closed).toBe(true)
  })

  it('is refused if it has another adapter than the one it was given', () => {
    const makesItsOwn = ServiceOfItsOwn as unknown as new (options: object) => ServiceOfItsOwn
    expect(() => withConnectionManager(makesItsOwn, settings())).toThrow(
      expect.objectContaining({
        code: 'CONNMGR_INVALID_OPTION',
        message: expect.stringMatching(
          /ServiceOfItsOwn did not hand the option "adapter" on.*withConnectionManager\(new ServiceOfItsOwn\(\)\)/s,
        ),
      }),
    )
  })
})

it('lists nothing of ours among the properties of a client', async () => {
  const prisma = withConnectionManager(PrismaClient, settings())
  expect(Object.keys(prisma)).not.toContain('$connections')
  expect(inspect(prisma, { depth: 9 })).not.toContain('PgConnectionManager')
  await prisma.$disconnect()
})
