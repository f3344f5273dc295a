import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** One open database of this process. */
interface Shared {
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

/**
 * The one instance of a database in this process, opened if it is not open yet.
 *
 * @param key one per database: its path, or what stands for a database in memory
 * @throws TypeError if it is open with other options
 */
export async function useInstance(
  key: string,
  path: string,
  options: Readonly<Record<string, string>>,
): Promise<InstanceUse> {
  const text = JSON.stringify(Object.entries(options).sort())
  let shared = registry().get(key)
  if (shared !== undefined && shared.options !== text)
    throw new TypeError(`${path} is open in this process with other DuckDB options`)
  if (shared === undefined) {
    shared = { opening: DuckDBInstance.create(path, { ...options }), options: text, users: 0 }
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
    if (registry().get(key) === own) registry().delete(key)
    void opening.then(
      (instance) => instance.closeSync(),
      () => {},
    )
  }
  try {
    const instance = await opening
    return {
      connect: () => DuckDBConnection.create(instance),
      invalidate: () => {
        if (registry().get(key) === own) registry().delete(key)
      },
      release,
    }
  } catch (error) {
    release()
    throw error
  }
}
