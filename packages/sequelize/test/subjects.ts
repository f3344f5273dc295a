import { inspect } from 'node:util'
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
  type SequelizeConnections,
  type SequelizeManagerOptions,
  withConnectionManager,
} from '../src/index.js'

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
function defineUser(sequelize: Sequelize): ModelStatic<User> {
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

/** The Sequelizes of a test, each over a manager of its own. */
export class Subjects {
  readonly harness: Harness
  #opened: Sequelize[] = []

  constructor(harness: Harness) {
    this.harness = harness
  }

  open(
    manager: SequelizeManagerOptions = {},
    options: Options = {},
  ): { sequelize: Sequelize; User: ModelStatic<User> } {
    const sequelize = this.manage(this.plain(options), manager)
    return { sequelize, User: defineUser(sequelize) }
  }

  /** One without a manager. */
  plain(options: Options = {}, url = this.harness.url()): Sequelize {
    return new Sequelize(url, { logging: false, dialect: this.harness.dialect, ...options })
  }

  /** Puts a manager under one, which is closed after the test. */
  manage(sequelize: Sequelize, manager: SequelizeManagerOptions = {}): Sequelize {
    this.#opened.push(withConnectionManager(sequelize, { logger: false, ...manager }))
    return sequelize
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = []
    await Promise.all(opened.map((each) => getConnections(each).close({ drainTimeoutMs: 0 })))
  }
}

/** The error of work that fails, which shows no password. */
export async function errorOf(running: Promise<unknown>): Promise<unknown> {
  const error = await running.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cr3t')
  return error
}

export function checkedOut(sequelize: Sequelize): number {
  return getConnections(sequelize).getPoolMetrics().checkedOut
}

export async function namesIn(
  model: ModelStatic<User>,
  transaction?: Transaction,
): Promise<string[]> {
  const inside = transaction === undefined ? {} : { transaction }
  return (await model.findAll({ order: ['id'], ...inside })).map((each) => each.name)
}

/** The first row of a query. */
export async function ask(sequelize: Sequelize, text: string, options: object = {}) {
  const rows = await sequelize.query(text, { type: QueryTypes.SELECT, ...options })
  return rows[0] as { replica?: unknown; zone?: unknown }
}
