import { existsSync, realpathSync, statSync } from 'node:fs'

/** Tells one file from another that has taken its name. */
export type FileIdentity = string

/** The file that has a name now; undefined if there is none. */
export function identityOf(path: string): FileIdentity | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`
}

/** Where a file is without the symbolic links that lead to it: SQLite has its log and its locks beside it there. */
export function realPathOf(path: string): string {
  return existsSync(path) ? realpathSync.native(path) : path
}

/** Size of the write-ahead log of a database in bytes; 0 if there is none. */
export function walSizeOf(path: string): number {
  return statSync(`${realPathOf(path)}-wal`, { throwIfNoEntry: false })?.size ?? 0
}
