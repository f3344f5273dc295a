import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { invalidOption } from '@connmgr/core/driver'

/** Where a database lives. */
export interface Location {
  /** What the library opens: an absolute path, `:memory:`, or the empty text for a temporary database. */
  readonly path: string
  /** False for a database that one connection has for itself, in memory or in a file without a name. */
  readonly isFile: boolean
  /** For people: the absolute path, or what kind of database it is. */
  readonly id: string
  /** True if the URL says `mode=ro`. */
  readonly readOnly: boolean
  /** True if the URL says `mode=rw`: a file that does not exist is not created. */
  readonly mustExist: boolean
}

const MEMORY = ':memory:'

/**
 * Reads where a database lives: a path, `:memory:`, the empty text for a temporary database, or a URL: `file:app.db` as
 * Prisma and libSQL write them, `file:///var/lib/app.db`, `sqlite:app.db`, `sqlite:///var/lib/app.db`. A relative path is
 * taken from the working directory.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function locate(given: string, option: string): Location {
  if (typeof given !== 'string') throw invalidOption(option, given, 'a path or a file: URL')
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(given)?.[1]?.toLowerCase()
  if (scheme === undefined || path.win32.isAbsolute(given)) return ofPath(given)
  if (scheme !== 'file' && scheme !== 'sqlite' && scheme !== 'sqlite3')
    throw invalidOption(option, given, 'a path, or a URL that begins with file: or sqlite:')
  const mode = /[?&]mode=(\w+)(?:[&#]|$)/.exec(given)?.[1]
  const location = ofPath(pathOf(given, scheme.length + 1, option))
  return { ...location, readOnly: mode === 'ro', mustExist: mode === 'rw' }
}

/** The path that a URL names. */
function pathOf(url: string, from: number, option: string): string {
  const [rest = '', query = ''] = url.slice(from).split('#')[0]?.split('?') ?? []
  const parameters = new URLSearchParams(query)
  if (parameters.get('mode') === 'memory') return MEMORY
  for (const name of parameters.keys()) {
    if (!KNOWN_PARAMETERS.has(name))
      throw invalidOption(
        option,
        url,
        `a URL without the parameter "${name}"; use the options of createConnectionManager`,
      )
  }
  const text = decode(rest, url, option)
  if (text === MEMORY || text === `//${MEMORY}`) return MEMORY
  if (!text.startsWith('//')) return text
  const slash = text.indexOf('/', 2)
  const host = slash < 0 ? text.slice(2) : text.slice(2, slash)
  if (host !== '' && host !== 'localhost')
    throw invalidOption(
      option,
      url,
      'a file: URL with three slashes for an absolute path: file:///var/lib/app.db',
    )
  return process.platform === 'win32'
    ? fileURLToPath(`file://${rest.slice(2)}`)
    : text.slice(slash < 0 ? text.length : slash)
}

/** Parameters that say nothing beyond what the options do, from the URLs of other libraries. */
const KNOWN_PARAMETERS: ReadonlySet<string> = new Set([
  'mode',
  'cache',
  'connection_limit',
  'socket_timeout',
  'pool_timeout',
])

function decode(text: string, url: string, option: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidOption(option, url, 'a URL whose percent signs are encoded')
  }
}

function ofPath(given: string): Location {
  const text = given.trim()
  const plain = { readOnly: false, mustExist: false }
  if (text === MEMORY) return { path: MEMORY, isFile: false, id: MEMORY, ...plain }
  if (text === '') return { path: '', isFile: false, id: 'temporary database', ...plain }
  const absolute = path.resolve(text)
  return { path: absolute, isFile: true, id: absolute, ...plain }
}
