import type { Sequelize } from 'sequelize'
import { internalsOf, type SequelizeConfig, type SequelizeServer } from './sequelize-internals.js'

/** What says which server a manager is for. */
const SERVER = ['databaseUrl', 'host', 'port', 'user', 'database', 'socketPath'] as const

/** Which servers a Sequelize is for, in the words of a manager. */
export interface ServerOptions {
  readonly host?: string
  readonly port?: number
  readonly user?: string
  readonly database?: string
  readonly password?: string | (() => Promise<string>)
  readonly failoverUrls?: readonly string[]
}

/**
 * The servers that the options of a Sequelize name. None if the options of the manager name one, or if Sequelize was given
 * none: then the manager finds its own in the environment.
 */
export function serversOf(
  sequelize: Sequelize,
  scheme: string,
  managerOptions: object,
): ServerOptions {
  const { config } = internalsOf(sequelize)
  const given = managerOptions as Readonly<Record<string, unknown>>
  if (SERVER.some((name) => given[name] !== undefined)) return {}
  const { write = {}, read = [] } = config.replication || {}
  const server: SequelizeServer = { ...config, ...defined(write) }
  const { host, port, username, database } = server
  const reads = [read].flat() as readonly SequelizeServer[]
  // Sequelize itself says localhost.
  const unnamed = isUnset(username) && isUnset(database) && host === 'localhost'
  if (unnamed && reads.length === 0) return {}
  const here = `${host}:${port}`
  const further = reads.map((each) => ({ ...server, ...defined(each) }))
  const failoverUrls = further
    .filter((each) => `${each.host}:${each.port}` !== here)
    .map((each) => urlOf(scheme, each))
  const password = passwordOf(sequelize, server)
  return {
    ...defined({ host, user: username, database, password }),
    ...(port === undefined ? {} : { port: Number(port) }),
    // Servers that are named are not mixed with those of the environment.
    failoverUrls,
  }
}

/** The size of the pool, if Sequelize was given one. Its bound is a bound: overflow is for those who ask for it. */
export function sizesOf({ pool = {} }: SequelizeConfig): object {
  const { max, min, idle, acquire, maxUses } = pool
  return {
    ...defined({ poolSize: max, idleTimeoutMs: idle, acquireTimeoutMs: acquire }),
    ...(max === undefined ? {} : { maxOverflow: 0 }),
    ...(min === undefined || min === 0 ? {} : { minIdle: min }),
    ...(maxUses === undefined || !Number.isFinite(maxUses) ? {} : { maxUses }),
  }
}

/** Whether Sequelize is set up to read elsewhere than it writes. */
export function readsOnReplicas({ replication }: SequelizeConfig): boolean {
  return Boolean(replication)
}

/** Without those that are not given. */
export function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => !isUnset(value)),
  ) as Partial<T>
}

/** As Sequelize has it, a hook may change the password before each connect. */
function passwordOf(
  sequelize: Sequelize,
  server: SequelizeServer,
): ServerOptions['password'] | undefined {
  const internals = internalsOf(sequelize)
  if (!internals.hasHook('beforeConnect')) return server.password ?? undefined
  return async () => {
    const config = { ...internals.config, ...server }
    await internals.runHooks('beforeConnect', config)
    return config.password ?? ''
  }
}

function urlOf(
  scheme: string,
  { host, port, username, password, database }: SequelizeServer,
): string {
  const part = (value: unknown): string => encodeURIComponent(String(value))
  const login = isUnset(username)
    ? ''
    : `${part(username)}${isUnset(password) ? '' : `:${part(password)}`}@`
  const path = isUnset(database) ? '' : `/${part(database)}`
  const address = host?.includes(':') ? `[${host}]` : host
  return `${scheme}://${login}${address}${isUnset(port) ? '' : `:${port}`}${path}`
}

function isUnset(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === ''
}
