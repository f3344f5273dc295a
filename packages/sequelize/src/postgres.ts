import { InvalidOptionError } from '@connmgr/core'
import type * as Pg from '@connmgr/pg'
import type { Client, ClientConfig } from 'pg'
import type { Sequelize } from 'sequelize'
import { internalsOf } from './sequelize-internals.js'
import { defined, serversOf, sizesOf } from './server-options.js'
import { isOffset, requireTimeZone } from './time-zone.js'

/** What Sequelize hands on to node-postgres of its `dialectOptions`. */
const HANDED_ON = [
  'application_name',
  'client_encoding',
  'binary',
  'keepAlive',
  'statement_timeout',
  'query_timeout',
  'idle_in_transaction_session_timeout',
  'lock_timeout',
  'options',
  'stream',
] as const

const LEVELS = /^[a-z0-9]+$/i

/** The manager of a Sequelize for PostgreSQL: its servers, sizes and sessions, unless `given` says otherwise. */
export function postgresManager(
  { createConnectionManager }: typeof Pg,
  sequelize: Sequelize,
  { onConnect, clientConfig, ...given }: Pg.PgManagerOptions,
): Pg.PgConnectionManager {
  const { config, connectionManager } = internalsOf(sequelize)
  if (config.native)
    throw new InvalidOptionError(
      'native',
      'option "native" of Sequelize cannot be used with @connmgr/sequelize; leave it out',
    )
  const { dialectOptions = {} } = config
  const { ssl, connectionTimeoutMillis } = dialectOptions
  const session = sessionStatements(sequelize)
  return createConnectionManager({
    ...serversOf(sequelize, 'postgres', given),
    ...sizesOf(config),
    ...defined({ ssl: ssl as ClientConfig['ssl'] }),
    ...(connectionTimeoutMillis ? { connectTimeoutMs: Number(connectionTimeoutMillis) } : {}),
    ...given,
    clientConfig: {
      ...defined(Object.fromEntries(HANDED_ON.map((name) => [name, dialectOptions[name]]))),
      types: {
        getTypeParser: (oid: number, format?: string) =>
          connectionManager.getTypeParser?.(oid, format),
      } as ClientConfig['types'],
      ...clientConfig,
    },
    onConnect: async (client) => {
      if (session !== '') await client.query(session)
      await learnTypes(sequelize, client)
      await internalsOf(sequelize).runHooks('afterConnect', client, config)
      await onConnect?.(client)
    },
  })
}

/** What Sequelize sends on each new connection. */
function sessionStatements(sequelize: Sequelize): string {
  const { config, options } = internalsOf(sequelize)
  const statements: string[] = []
  if (options.standardConformingStrings !== false)
    statements.push('SET standard_conforming_strings=on')
  const level = config.dialectOptions?.clientMinMessages ?? options.clientMinMessages ?? 'warning'
  if (level !== false && String(level).toLowerCase() !== 'ignore') {
    if (!LEVELS.test(String(level)))
      throw new InvalidOptionError(
        'clientMinMessages',
        "option \"clientMinMessages\" must be a level such as 'warning', or 'ignore'",
      )
    statements.push(`SET client_min_messages TO ${level}`)
  }
  if (!config.keepDefaultTimezone) {
    const { timezone } = options
    requireTimeZone(timezone)
    statements.push(
      isOffset(timezone)
        ? `SET TIME ZONE INTERVAL '${timezone}' HOUR TO MINUTE`
        : `SET TIME ZONE '${timezone}'`,
    )
  }
  return statements.join(';')
}

/** As Sequelize does once: the numbers of types differ from database to database. */
async function learnTypes(sequelize: Sequelize, client: Client): Promise<void> {
  const { options, connectionManager } = internalsOf(sequelize)
  if (options.databaseVersion === 0) {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
    const [, major, minor = '0', patch = '0'] =
      /(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(rows[0]?.server_version ?? '') ?? []
    if (major !== undefined) options.databaseVersion = `${major}.${minor}.${patch}`
  }
  if (Object.keys(connectionManager.nameOidMap ?? {}).length === 0)
    await connectionManager._refreshDynamicOIDs?.(client)
}
