import { InvalidOptionError } from '../errors.js'
import { invalid } from './rules.js'

/** Which server, in parts instead of a URL. */
export interface ServerParts {
  readonly host?: string | undefined
  readonly port?: number | string | undefined
  readonly user?: string | undefined
  readonly database?: string | undefined
  readonly socketPath?: string | undefined
}

const TEXTS = ['host', 'user', 'database', 'socketPath'] as const
const IN_URLS = ['host', 'port', 'user', 'database'] as const

/** Whether any part is there. */
export function namesServer(parts: ServerParts): boolean {
  return [...TEXTS, 'port' as const].some((name) => parts[name] !== undefined)
}

/**
 * The parts that are there, checked.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function checkedParts(
  parts: ServerParts,
): Omit<ServerParts, 'port'> & { readonly port?: number } {
  const checked: Record<string, unknown> = {}
  for (const name of TEXTS) {
    const value: unknown = parts[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || value.trim() === '')
      throw invalid(name, value, 'a string that is not empty, or left out')
    checked[name] = value
  }
  if (parts.port !== undefined) checked.port = portOf('port', parts.port)
  return checked
}

/**
 * Refuses a part that says something else than the URL beside it.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function requireAgreement(parts: ServerParts, url: ServerParts): void {
  for (const name of IN_URLS) {
    const given = name === 'port' ? (portIn(parts.port) ?? parts.port) : parts[name]
    if (given === undefined || url[name] === undefined || given === url[name]) continue
    throw new InvalidOptionError(
      name,
      `option "${name}" is ${JSON.stringify(parts[name])}, but databaseUrl has ${JSON.stringify(url[name])}; ` +
        'give one of them',
    )
  }
}

/** What a port may be, for messages. */
export const PORT = 'a whole number from 1 to 65535'

/** A port, also in digits; undefined for what is none. */
export function portIn(given: unknown): number | undefined {
  const port = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535
    ? port
    : undefined
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function portOf(option: string, given: unknown): number {
  const port = portIn(given)
  if (port === undefined) throw invalid(option, given, PORT)
  return port
}
