import { URL_OPTION_PARAMETERS, type UrlOptions, UrlParameters } from '@connmgr/core/driver'

/** What the parameters of a URL say beyond the connection: those of Prisma, and `connect_timeout` of libpq. */
export interface UrlSettings {
  readonly options: UrlOptions
  /** The schema that Prisma is to use. */
  readonly schema: string | undefined
  /** Statements that Prisma's own engine is to keep prepared; 0 for none. */
  readonly statementCacheSize: number | undefined
  /** False for a pooler by transaction, and where no statements are to be kept. */
  readonly mayPrepare: boolean
}

export const NO_SETTINGS: UrlSettings = {
  options: {},
  schema: undefined,
  statementCacheSize: undefined,
  mayPrepare: true,
}

export const SETTING_PARAMETERS = [
  ...URL_OPTION_PARAMETERS,
  'pgbouncer',
  'schema',
  'statement_cache_size',
] as const

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a value that is none */
export function settingsIn(option: string, parts: Readonly<Record<string, unknown>>): UrlSettings {
  const parameters = new UrlParameters(option, parts)
  const pgbouncer = parameters.flag('pgbouncer')
  const statementCacheSize = parameters.number('statement_cache_size')
  return {
    options: { ...parameters.options(), ...(pgbouncer ? { reset: 'none' as const } : {}) },
    schema: typeof parts.schema === 'string' ? parts.schema : undefined,
    statementCacheSize,
    mayPrepare: !pgbouncer && statementCacheSize !== 0,
  }
}
