/** What an option of another pool is called here. */
export interface ForeignOption {
  /** Our name for it. */
  readonly ours: string
  /** By what its value is multiplied, where the units differ. */
  readonly factor?: number
  /** What else to know. */
  readonly note?: string
}

/** By names in lower case, without separators; a text instead of a name of ours says what to do. */
export type ForeignOptions = Readonly<Record<string, ForeignOption | string>>

const SIZE: ForeignOption = {
  ours: 'poolSize',
  note: 'maxOverflow (10 by default) may be opened above it; maxOverflow: 0 makes it a fixed bound',
}
const MIN_IDLE: ForeignOption = { ours: 'minIdle' }
const ACQUIRE: ForeignOption = {
  ours: 'acquireTimeoutMs',
  note: 'connectTimeoutMs bounds a single attempt to connect',
}
const ACQUIRE_SECONDS: ForeignOption = { ours: 'acquireTimeoutMs', factor: 1000 }
const CONNECT: ForeignOption = { ours: 'connectTimeoutMs' }
const IDLE: ForeignOption = { ours: 'idleTimeoutMs' }
const LIFETIME: ForeignOption = { ours: 'maxLifetimeMs' }
const WAITERS: ForeignOption = { ours: 'maxWaiters' }
const PING: ForeignOption = { ours: 'prePing' }
const HOOK: ForeignOption = { ours: 'onConnect' }
const NEEDLESS = 'the engine does that by itself: leave it out'

/**
 * What pools and drivers that people come from call the options of a manager: pg-pool, tarn and Knex, generic-pool,
 * Sequelize, TypeORM, MikroORM, postgres.js, mysql2, Prisma, HikariCP, SQLAlchemy.
 */
export const FOREIGN_OPTIONS: ForeignOptions = {
  max: SIZE,
  maxsize: SIZE,
  maxpoolsize: SIZE,
  maximumpoolsize: SIZE,
  maxconnections: SIZE,
  maxclients: SIZE,
  connectionlimit: SIZE,
  size: SIZE,
  min: MIN_IDLE,
  minsize: MIN_IDLE,
  minpoolsize: MIN_IDLE,
  minimumidle: MIN_IDLE,
  minconnections: MIN_IDLE,
  overflow: { ours: 'maxOverflow' },
  connectiontimeoutmillis: ACQUIRE,
  connectiontimeout: ACQUIRE,
  acquiretimeoutmillis: ACQUIRE,
  acquireconnectiontimeout: ACQUIRE,
  acquiretimeout: ACQUIRE,
  acquire: ACQUIRE,
  pooltimeout: ACQUIRE_SECONDS,
  waitforconnections: { ours: 'maxWaiters', note: 'callers queue unless it bounds them' },
  createtimeoutmillis: CONNECT,
  idletimeoutmillis: IDLE,
  idletimeout: IDLE,
  idle: IDLE,
  maxidletime: IDLE,
  maxidletimems: IDLE,
  maxlifetimeseconds: { ours: 'maxLifetimeMs', factor: 1000 },
  maxlifetime: LIFETIME,
  maxage: LIFETIME,
  poolrecycle: { ours: 'maxLifetimeMs', factor: 1000 },
  maxrequests: { ours: 'maxUses' },
  queuelimit: WAITERS,
  maxwaitingclients: WAITERS,
  maxqueuesize: WAITERS,
  testonborrow: PING,
  poolpreping: PING,
  aftercreate: HOOK,
  afterconnect: HOOK,
  oncreate: HOOK,
  fifo: { ours: 'idleOrder', note: "'lifo' or 'fifo'" },
  log: { ours: 'logger' },
  logging: { ours: 'logger' },
  evict: NEEDLESS,
  evictionrunintervalmillis: NEEDLESS,
  reapintervalmillis: NEEDLESS,
  createretryintervalmillis: NEEDLESS,
  destroytimeoutmillis: { ours: 'closeTimeoutMs' },
  propagatecreateerror: NEEDLESS,
}

/** Snake case that postgres.js and libpq have for times, which are in seconds there. */
export const FOREIGN_SECONDS: ForeignOptions = {
  connect_timeout: { ours: 'connectTimeoutMs', factor: 1000 },
  connection_timeout: { ours: 'connectTimeoutMs', factor: 1000 },
  pool_timeout: ACQUIRE_SECONDS,
  idle_timeout: { ours: 'idleTimeoutMs', factor: 1000 },
  max_lifetime: { ours: 'maxLifetimeMs', factor: 1000 },
  max_idle_time: { ours: 'idleTimeoutMs', factor: 1000 },
  pool_recycle: { ours: 'maxLifetimeMs', factor: 1000 },
}
