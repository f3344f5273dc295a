import { inspect } from 'node:util'
import { eventually, patient } from '@connmgr/testing'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  type Model,
  type ModelStatic,
  type Options,
  QueryTypes,
  Sequelize,
  type Transaction,
} from 'sequelize'
import {
  getConnections,
  replayTransaction,
  type SequelizeConnections,
  type SequelizeManagerOptions,
  withConnectionManager,
} from '../src/index.js'

const CALLERS = 50
const UNDONE = 'undone'

/** One kind of database, for the tests that all of them share. */
export interface Harness {
  start(): Promise<void>
  stop(): Promise<void>
  /** Where the primary is, for `new Sequelize`. */
  url(): string
  /** A replica of it. */
  replicaUrl(): string
  readonly dialect: 'postgres' | 'mysql'
  /** A password that must not be seen anywhere. */
  readonly secret: string
  /** Has the server end the connection of a transaction. */
  cutOff(sequelize: Sequelize, transaction: Transaction): Promise<void>
  /** Has a transaction fail because another came before it. */
  conflict(sequelize: Sequelize, transaction: Transaction): Promise<unknown>
  /** Waits until a manager that has connected knows what it needs to know before it runs transactions again. */
  untilReplayable?(manager: SequelizeConnections): Promise<void>
  /** Has the primary crash after the replica has what it has, and promotes that once `lost` resolves. */
  failOver(lost: () => Promise<void>): Promise<void>
  /** Asks whether a server is a replica, in a column `replica`. */
  readonly isReplica: string
  /** Asks for the time zone of the session, in a column `zone`. */
  readonly zone: string
  /** How that names two hours ahead of UTC. */
  readonly twoHoursAhead: string
  /** Sets another one. */
  readonly changeZone: string
  /** False for servers that trust everybody. */
  readonly asksForPassword: boolean
}

export interface User extends Model<InferAttributes<User>, InferCreationAttributes<User>> {
  id: CreationOptional<number>
  name: string
  joinedAt: CreationOptional<Date>
  n: CreationOptional<number>
}

/** The model of the tests. */
export function defineUser(sequelize: Sequelize): ModelStatic<User> {
  return sequelize.define<User>(
    'User',
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      name: { type: DataTypes.STRING(100), allowNull: false, unique: true },
      joinedAt: { type: DataTypes.DATE, allowNull: true },
      n: { type: DataTypes.INTEGER, defaultValue: 0 },
    },
    { tableName: 'users', timestamps: false },
  )
}

/** The tests that Sequelize on a manager passes, whatever is below it. */
export function describeSequelize(
  describeIt: (name: string, tests: () => void) => void,
  name: string,
  harness: Harness,
): void {
  describeIt(name, () => {
    let opened: Sequelize[] = []
    const open = (
      manager: SequelizeManagerOptions = {},
      options: Options = {},
    ): { sequelize: Sequelize; User: ModelStatic<User> } => {
      const sequelize = withConnectionManager(
        new Sequelize(harness.url(), { logging: false, dialect: harness.dialect, ...options }),
        { logger: false, ...manager },
      )
      opened.push(sequelize)
      return { sequelize, User: defineUser(sequelize) }
    }
    const errorOf = async (running: Promise<unknown>): Promise<unknown> => {
      const error = await running.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cr3t')
      return error
    }
    const checkedOut = (sequelize: Sequelize) =>
      getConnections(sequelize).getPoolMetrics().checkedOut
    const namesIn = async (User: ModelStatic<User>, transaction?: Transaction) =>
      (
        await User.findAll({ order: ['id'], ...(transaction === undefined ? {} : { transaction }) })
      ).map((each) => each.name)
    const ask = async (sequelize: Sequelize, text: string, options: object = {}) =>
      (await sequelize.query(text, { type: QueryTypes.SELECT, ...options }))[0] as {
        replica?: unknown
        zone?: unknown
      }

    beforeAll(async () => {
      await harness.start()
      await open().User.sync()
    })
    afterEach(async () => {
      await Promise.all(opened.map((each) => getConnections(each).close({ drainTimeoutMs: 0 })))
      opened = []
      const { sequelize, User } = open()
      await User.destroy({ where: {} })
      await sequelize.close()
      opened = []
    })
    afterAll(() => harness.stop())

    test('models are written and read on managed connections, which go back', async () => {
      const { sequelize, User } = open({ poolSize: 2, maxOverflow: 0 })
      await sequelize.authenticate()
      const joinedAt = new Date('2026-02-03T04:05:06Z')
      const ada = await User.create({ name: 'Ada', joinedAt })
      await User.bulkCreate([{ name: 'Grace' }, { name: 'Barbara' }])
      expect(await namesIn(User)).toEqual(['Ada', 'Grace', 'Barbara'])
      expect((await User.findByPk(ada.id))?.joinedAt).toEqual(joinedAt)
      expect(await User.update({ n: 7 }, { where: { name: ['Ada', 'Grace'] } })).toEqual([2])
      expect(await User.sum('n')).toBe(14)
      await expect(User.create({ name: 'Ada' })).rejects.toThrow(
        expect.objectContaining({ name: 'SequelizeUniqueConstraintError' }),
      )
      expect(await User.count()).toBe(3)
      const { checkedOut, totalConnectionsCreated, totalCheckouts } =
        getConnections(sequelize).getPoolMetrics()
      expect(checkedOut).toBe(0)
      expect(totalConnectionsCreated).toBeLessThanOrEqual(2)
      expect(totalCheckouts).toBeGreaterThan(8)
    })

    test('sessions have the time zone that Sequelize was given, also after one was changed', async () => {
      const { sequelize } = open({ poolSize: 1, maxOverflow: 0 }, { timezone: '+02:00' })
      for (let round = 0; round < 3; round += 1) {
        expect(await ask(sequelize, harness.zone)).toEqual({ zone: harness.twoHoursAhead })
        await sequelize.query(harness.changeZone)
      }
      expect(getConnections(sequelize).getPoolMetrics().totalConnectionsCreated).toBe(1)
    })

    test('a rollback keeps nothing, and nested transactions are savepoints', async () => {
      const { sequelize, User } = open()
      const undone = sequelize.transaction(async (transaction) => {
        await User.create({ name: 'undone' }, { transaction })
        throw new Error(UNDONE)
      })
      await expect(undone).rejects.toThrow(UNDONE)
      await sequelize.transaction(async (transaction) => {
        await User.create({ name: 'kept' }, { transaction })
        await sequelize
          .transaction({ transaction }, async (inner) => {
            await User.create({ name: 'dropped' }, { transaction: inner })
            throw new Error('inner')
          })
          .catch(() => {})
      })
      const unmanaged = await sequelize.transaction()
      await User.create({ name: 'unmanaged' }, { transaction: unmanaged })
      expect(await namesIn(User, unmanaged)).toEqual(['kept', 'unmanaged'])
      expect(await namesIn(User)).toEqual(['kept'])
      await unmanaged.rollback()
      expect(await namesIn(User)).toEqual(['kept'])
      expect(checkedOut(sequelize)).toBe(0)
    })

    test('of 50 concurrent callers of mixed transactions nobody loses anything or sees what others undo', async () => {
      const { sequelize, User } = open({ poolSize: 5, maxOverflow: 0 })
      const { id } = await User.create({ name: 'counter' })
      const acknowledged: string[] = ['counter']
      const failures: unknown[] = []
      const call = async (number: number): Promise<void> => {
        const name = `caller ${number}`
        const kind = number % 5
        if (kind === 0) await User.create({ name })
        else if (kind === 1) await User.findAll()
        else
          await sequelize.transaction(async (transaction) => {
            await User.increment('n', { where: { id }, transaction })
            await User.create({ name }, { transaction })
            if (kind === 2) throw new Error(UNDONE)
            expect(await User.count({ where: { name }, transaction })).toBe(1)
          })
        if (kind !== 1) acknowledged.push(name)
      }
      await Promise.all(
        Array.from({ length: CALLERS }, (_, number) =>
          call(number).catch((error: unknown) => {
            if ((error as Error).message !== UNDONE) failures.push(error)
          }),
        ),
      )
      expect(failures).toEqual([])
      expect((await namesIn(User)).sort()).toEqual(acknowledged.sort())
      expect((await User.findOne({ where: { name: 'counter' } }))?.n).toBe((CALLERS / 5) * 2)
      expect(getConnections(sequelize).getPoolMetrics()).toMatchObject({
        checkedOut: 0,
        waiting: 0,
      })
    })

    test('a connection that is lost in a transaction does not hide the error of the work, and is replaced', async () => {
      const { sequelize, User } = open({ poolSize: 1, maxOverflow: 0 })
      const warning = jest.spyOn(console, 'warn').mockImplementation(() => {})
      const running = sequelize.transaction(async (transaction) => {
        await User.create({ name: 'lost' }, { transaction })
        await harness.cutOff(sequelize, transaction)
        throw new Error('the first')
      })
      await expect(running).rejects.toThrow('the first')
      warning.mockRestore()
      expect(await namesIn(User)).toEqual([])
      expect(checkedOut(sequelize)).toBe(0)
    })

    test('a leak is named by function, file and line', async () => {
      const { sequelize, User } = open({
        leakDetection: { thresholdMs: 50, captureStack: 'always' },
      })
      await User.count()
      async function forgetful() {
        const transaction = await sequelize.transaction()
        await User.create({ name: 's3cr3t' }, { transaction })
        return transaction
      }
      const detected = new Promise((resolve) =>
        getConnections(sequelize).on('leakDetected', resolve),
      )
      const transaction = await forgetful()
      await detected
      const leaks = getConnections(sequelize).detectLeaks()
      expect(leaks).toMatchObject([
        {
          checkedOutBy: expect.stringMatching(/^forgetful \(.*describe-sequelize\.ts:\d+:\d+\)$/),
          lastQuery: expect.stringMatching(/^INSERT INTO/i),
        },
      ])
      await transaction.commit()
      expect(checkedOut(sequelize)).toBe(0)
    })

    test('reads go to replicas, but for those that ask for the primary', async () => {
      const { sequelize } = open({ replicas: true, failoverUrls: [harness.replicaUrl()] })
      await getConnections(sequelize).ready()
      expect(Number((await ask(sequelize, harness.isReplica)).replica)).toBe(1)
      expect(Number((await ask(sequelize, harness.isReplica, { useMaster: true })).replica)).toBe(0)
      const inTransaction = await sequelize.transaction((transaction) =>
        ask(sequelize, harness.isReplica, { transaction }),
      )
      expect(Number(inTransaction.replica)).toBe(0)
    })

    test('the servers of its option replication are those of the manager', async () => {
      const primary = new URL(harness.url())
      const replica = new URL(harness.replicaUrl())
      const server = (url: URL) => ({ host: url.hostname, port: url.port })
      const sequelize = withConnectionManager(
        new Sequelize({
          dialect: harness.dialect,
          database: primary.pathname.slice(1),
          username: decodeURIComponent(primary.username),
          password: decodeURIComponent(primary.password),
          logging: false,
          pool: { max: 3, acquire: 20_000 },
          replication: {
            write: server(primary),
            read: [server(replica)],
          } as unknown as NonNullable<Options['replication']>,
        }),
        { logger: false },
      )
      opened.push(sequelize)
      await getConnections(sequelize).ready()
      expect(Number((await ask(sequelize, harness.isReplica)).replica)).toBe(1)
      expect(getConnections(sequelize).getPoolMetrics()).toMatchObject({ limit: 3 * 2 })
      expect(getConnections(sequelize).getFailoverStatus().endpoints).toHaveLength(2)
    })

    test('an exhausted pool is the error of Sequelize for that, with the report of the pool', async () => {
      const { sequelize, User } = open({
        poolSize: 1,
        maxOverflow: 0,
        acquireTimeoutMs: patient(100),
      })
      const holding = await sequelize.transaction()
      await expect(User.count()).rejects.toMatchObject({
        name: 'SequelizeConnectionAcquireTimeoutError',
        parent: { code: 'CONNMGR_ACQUIRE_TIMEOUT', counts: { inUse: 1 } },
      })
      await expect(sequelize.transaction()).rejects.toMatchObject({
        parent: { code: 'CONNMGR_ACQUIRE_TIMEOUT' },
      })
      await holding.rollback()
      expect(await User.count()).toBe(0)
    })

    test('a refused connection or login is the error of Sequelize for that, without the password', async () => {
      const url = new URL(harness.url())
      url.password = 'wrong-s3cr3t'
      const wrong = withConnectionManager(
        new Sequelize(url.href, { logging: false, dialect: harness.dialect }),
        { logger: false, acquireTimeoutMs: patient(3000) },
      )
      opened.push(wrong)
      if (harness.asksForPassword)
        expect(await errorOf(wrong.authenticate())).toMatchObject({
          name: 'SequelizeAccessDeniedError',
        })
      url.port = '1'
      const nowhere = withConnectionManager(
        new Sequelize(url.href, { logging: false, dialect: harness.dialect }),
        { logger: false, acquireTimeoutMs: patient(300) },
      )
      opened.push(nowhere)
      expect(await errorOf(nowhere.authenticate())).toMatchObject({
        name: 'SequelizeConnectionAcquireTimeoutError',
        parent: { cause: { code: 'ECONNREFUSED' } },
      })
    })

    test('a transaction that meets a conflict is run again, and written once', async () => {
      const { sequelize, User } = open()
      expect(await User.count()).toBe(0)
      await harness.untilReplayable?.(getConnections(sequelize))
      const result = await replayTransaction(sequelize, async (transaction, attempt) => {
        await User.create({ name: `attempt ${attempt}` }, { transaction })
        if (attempt < 3) await harness.conflict(sequelize, transaction)
        return attempt
      })
      expect(result).toBe(3)
      expect(await namesIn(User)).toEqual(['attempt 3'])
      let attempts = 0
      const failing = replayTransaction(sequelize, async (transaction) => {
        attempts += 1
        await User.create({ name: 'undone' }, { transaction })
        throw new Error('sold out')
      })
      await expect(failing).rejects.toThrow('sold out')
      expect(attempts).toBe(1)
      expect(checkedOut(sequelize)).toBe(0)
    })

    test('close waits for a transaction and closes the manager', async () => {
      const { sequelize, User } = open()
      let closing: Promise<void> | undefined
      await sequelize.transaction(async (transaction) => {
        await User.create({ name: 'last' }, { transaction })
        closing = sequelize.close()
        expect(await namesIn(User, transaction)).toEqual(['last'])
      })
      await closing
      expect(getConnections(sequelize).closed).toBe(true)
      await expect(User.count()).rejects.toThrow(/closed/)
      expect(await namesIn(open().User)).toEqual(['last'])
    })

    test('hooks are run as before, and may change the password of each connect', async () => {
      const url = new URL(harness.url())
      const password = decodeURIComponent(url.password)
      url.password = 'wrong'
      const sequelize = new Sequelize(url.href, { logging: false, dialect: harness.dialect })
      const seen: string[] = []
      sequelize.addHook('beforeConnect', (config: object) => {
        seen.push('beforeConnect')
        Object.assign(config, { password })
      })
      sequelize.addHook('afterConnect', () => {
        seen.push('afterConnect')
      })
      opened.push(withConnectionManager(sequelize, { logger: false }))
      await sequelize.authenticate()
      const expected = harness.asksForPassword
        ? ['beforeConnect', 'afterConnect']
        : ['afterConnect']
      expect(seen.slice(0, expected.length)).toEqual(expected)
    })

    test('what cannot be managed is refused, and nothing shows a password', () => {
      const { sequelize } = open()
      expect(() => withConnectionManager(sequelize)).toThrow(/has a manager already/)
      const plain = new Sequelize(harness.url(), { dialect: harness.dialect })
      expect(() => getConnections(plain)).toThrow(/withConnectionManager\(sequelize\)/)
      expect(() => withConnectionManager(plain, { poolsize: 5 } as object)).toThrow(
        /did you mean "poolSize"/,
      )
      expect(() => withConnectionManager(plain, getConnections(sequelize) as object)).toThrow(
        /a manager was passed/,
      )
      const zoned = new Sequelize(harness.url(), { dialect: harness.dialect, timezone: "' or 1" })
      expect(() => withConnectionManager(zoned)).toThrow(/timezone/)
      const shown = inspect(getConnections(sequelize), { depth: 9 })
      expect(shown).not.toContain(harness.secret)
    })

    // Last, because it changes the cluster.
    test('writes go on after the primary has crashed and the replica was promoted', async () => {
      const { sequelize, User } = open({ failoverUrls: [harness.replicaUrl()] })
      await User.create({ name: 'before' })
      let writing: Promise<User> | undefined
      await harness.failOver(async () => {
        await eventually(() => getConnections(sequelize).getFailoverStatus().state !== 'STEADY')
        writing = User.create({ name: 'after' })
      })
      expect((await writing)?.name).toBe('after')
      expect(await namesIn(User)).toEqual(['before', 'after'])
      expect(getConnections(sequelize).getFailoverStatus()).toMatchObject({ state: 'STEADY' })
    })
  })
}
