import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

type Env = Readonly<Record<string, string | undefined>>

/** Where processes of this user leave their sockets if they name no path: one file for each, by its process id. */
export function socketFolder(env: Env = process.env): string {
  const base = env.XDG_RUNTIME_DIR || tmpdir()
  return path.join(base, `connmgr-${process.getuid?.() ?? 'user'}`)
}

/** The socket of a process in {@link socketFolder}. */
export function socketOf(pid: number, env: Env = process.env): string {
  return path.join(socketFolder(env), `${pid}.sock`)
}

/**
 * Makes the folder of the sockets, for this user alone.
 *
 * @throws Error if it belongs to another user, or others may write to it
 */
export function makeSocketFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!isOwnFolder(folder))
    throw new Error(
      `${folder} is not a folder of this user alone (mode 0700); remove it, or give serveInspection a path`,
    )
}

/** True for a folder, and no link to one, that this user owns and no other user can reach into. */
export function isOwnFolder(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  if (found === undefined || !found.isDirectory()) return false
  return found.uid === process.getuid?.() && (found.mode & 0o077) === 0
}
