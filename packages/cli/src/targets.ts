import type { Endpoint } from '@connmgr/core'
import { InvalidOptionError, redactText, redactUrl } from '@connmgr/core'
import { messageOf } from '@connmgr/core/driver'
import { UsageError } from './exit-code.js'

/** Databases that the commands can look into. */
export type DatabaseKind = 'postgresql' | 'mysql' | 'sqlite'

/** One server, or file, that a command is to look into. */
export interface Target {
  readonly kind: DatabaseKind
  readonly endpoint: Endpoint
  /** Of an SQLite database: its URL or path. */
  readonly location?: string
  /** Parameters of the URL, such as `connection_limit`. */
  readonly parameters: ReadonlyMap<string, string>
}

type Env = Readonly<Record<string, string | undefined>>

const KINDS: readonly (readonly [form: RegExp, kind: DatabaseKind])[] = [
  [/^(postgres|postgresql|pg):\/\//i, 'postgresql'],
  [/^socket:/i, 'postgresql'],
  [/^(mysql|mariadb):\/\//i, 'mysql'],
  [/^(file|sqlite|sqlite3):/i, 'sqlite'],
  [/^[^?]*\.(db|db3|sqlite|sqlite3)(\?|$)/i, 'sqlite'],
  [/^\//, 'postgresql'],
]
/** What `pg_stat_activity` shows for a session of ours. */
const APPLICATION_NAME = 'connmgr-cli'

/**
 * The servers that the options name, the preferred one first, else those of the environment: `DATABASE_URL` and
 * `DATABASE_FAILOVER_URLS`, or `PGHOST` and so on. Servers of the options and of the environment are never mixed.
 *
 * @throws UsageError
 */
export async function resolveTargets(urls: readonly string[], env: Env): Promise<Target[]> {
  const [first, ...others] = urls.map((url) => url.trim())
  const preferred = first ?? env.DATABASE_URL?.trim()
  const fromEnvironment = first === undefined
  const option = fromEnvironment ? 'DATABASE_URL' : '--url'
  if (preferred === undefined || preferred === '') return fromLibpqEnvironment(option, env)
  const kind = kindOf(option, preferred)
  if (kind === 'sqlite') return [preferred, ...others].map((url) => fileTarget(option, url))
  return asUsage(async () => {
    const database = kind === 'mysql' ? await mysqlEndpoints() : await postgresEndpoints()
    const endpoint = database.of(option, preferred)
    const failover = fromEnvironment ? env.DATABASE_FAILOVER_URLS : others
    const endpoints = [endpoint, ...database.failover(endpoint, failover ?? [], env)]
    return endpoints.map((each) => ({
      kind,
      endpoint: each,
      parameters: parametersOf(each === endpoint ? preferred : ''),
    }))
  })
}

async function fromLibpqEnvironment(option: string, env: Env): Promise<Target[]> {
  const named =
    option !== '--url' && [env.PGHOST, env.PGPORT, env.PGUSER, env.PGDATABASE].some(Boolean)
  if (!named)
    throw new UsageError(
      'no database is named: give --url postgres://USER@HOST:5432/DATABASE, or set DATABASE_URL',
    )
  return asUsage(async () => {
    const { of } = await postgresEndpoints()
    return [{ kind: 'postgresql', endpoint: of('PGHOST', undefined), parameters: new Map() }]
  })
}

async function postgresEndpoints() {
  const { endpointFrom, failoverEndpoints } = await import('@connmgr/pg')
  return {
    of: (option: string, url: string | undefined): Endpoint =>
      endpointFrom(option, {
        ...(url === undefined ? {} : { connectionString: url }),
        application_name: APPLICATION_NAME,
      }),
    failover: (preferred: Endpoint, urls: readonly string[] | string, env: Env): Endpoint[] =>
      failoverEndpoints(preferred, urls, env as NodeJS.ProcessEnv),
  }
}

async function mysqlEndpoints() {
  const { endpointFrom, failoverEndpoints } = await import('@connmgr/mysql')
  return {
    of: (option: string, url: string): Endpoint => endpointFrom(option, { uri: url }),
    failover: (preferred: Endpoint, urls: readonly string[] | string, env: Env): Endpoint[] =>
      failoverEndpoints(preferred, urls, env as NodeJS.ProcessEnv),
  }
}

function fileTarget(option: string, url: string): Target {
  if (kindOf(option, url) !== 'sqlite')
    throw new UsageError(`${option} names an SQLite file and a server; give one kind of database`)
  return {
    kind: 'sqlite',
    endpoint: { id: redactText(url.replace(/\?.*$/, '')), config: undefined },
    location: url,
    parameters: parametersOf(url),
  }
}

function kindOf(option: string, url: string): DatabaseKind {
  const found = KINDS.find(([form]) => form.test(url))
  if (found !== undefined) return found[1]
  throw new UsageError(
    `${option} is no URL of a database that can be looked into: "${redactUrl(url)}"; ` +
      'it begins with postgres://, mysql://, mariadb:// or file:',
  )
}

function parametersOf(url: string): Map<string, string> {
  const query = url.indexOf('?')
  return new Map(query === -1 ? [] : new URLSearchParams(url.slice(query + 1)))
}

/** A mistake in a URL is one in the call. */
async function asUsage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof InvalidOptionError || isMissingModule(error))
      throw new UsageError(redactText(messageOf(error)))
    throw error
  }
}

function isMissingModule(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND'
}
