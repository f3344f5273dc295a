import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { identityOf, realName } from './file-identity.js'

/** One open database of this process. */
interface Shared {
  /** Where it is in the registry. */
  readonly key: string
  /** Its file, by which it is known under other names; undefined for one in memory. */
  identity: string | undefined
  readonly opening: Promise<DuckDBInstance>
  /** What its options were, as a second opening with others would not get them. */
  readonly options: string
  users: number
}

/** The part of a connection in its database. */
export interface InstanceUse {
  connect(): Promise<DuckDBConnection>
  /** DuckDB has given the database up after an error that it cannot go on from. */
  invalidate(): void
  /** The last one to release closes the database, and with it gives its file free for other processes. */
  release(): void
}

/**
 * For the process, however many copies of this package it has loaded: DuckDB lets a process open a file twice, and then the
 * two overwrite each other.
 */
const REGISTRY = Symbol.for('@connmgr/duckdb instances')

function registry(): Map<string, Shared> {
  const place = globalThis as { [REGISTRY]?: Map<string, Shared> }
  place[REGISTRY] ??= new Map()
  return place[REGISTRY]
}

function forget(shared: Shared): void {
  if (registry().get(shared.key) === shared) registry().delete(shared.key)
}

/** An open database whose file has another name as well, a hard link. */
function findByFile(path: string): Shared | undefined {
  const identity = identityOf(path)
  if (identity === undefined) return undefined
  return [...registry().values()].find((each) => each.identity === identity)
}

/**
 * The one instance of a database in this process, opened if it is not open yet.
 *
 * @param memory what stands for a database in memory; undefined for a file, which may be named by any of its names
 * @throws TypeError if it is open with other options
 */
export async function useInstance(
  memory: string | undefined,
  path: string,
  options: Readonly<Record<string, string>>,
): Promise<InstanceUse> {
  const text = JSON.stringify(Object.entries(options).sort())
  const key = memory ?? realName(path)
  let shared = registry().get(key) ?? (memory === undefined ? findByFile(path) : undefined)
  if (shared !== undefined && shared.options !== text)
    throw new TypeError(`${path} is open in this process with other DuckDB options`)
  if (shared === undefined) {
    const opening = DuckDBInstance.create(path, { ...options })
    shared = { key, identity: undefined, opening, options: text, users: 0 }
    registry().set(key, shared)
  }
  const { opening } = shared
  const own = shared
  own.users += 1
  let released = false
  const release = (): void => {
    if (released) return
    released = true
    own.users -= 1
    if (own.users > 0) return
    forget(own)
    void opening.then(
      (instance) => instance.closeSync(),
      () => {},
    )
  }
  try {
    const instance = await opening
    if (memory === undefined) own.identity ??= identityOf(own.key)
    return {
      connect: () => DuckDBConnection.create(instance),
      invalidate: () => forget(own),
      release,
    }
  } catch (error) {
    release()
    throw error
  }
}
