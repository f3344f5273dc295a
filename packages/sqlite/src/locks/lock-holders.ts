import { readFileSync, statSync } from 'node:fs'
import { realPathOf } from '../location/file-identity.js'

/** A lock that a process holds on a file of a database. */
export interface HeldLock {
  readonly pid: number
  readonly kind: 'write' | 'read'
}

/** Bytes of the `-shm` file that SQLite locks in WAL mode (https://www.sqlite.org/walformat.html). */
const WAL_WRITE = 120
const WAL_FIRST_READER = 124
const WAL_LAST_READER = 127
/** Bytes of the database file that it locks in the other modes (https://www.sqlite.org/lockingv3.html). */
const PENDING = 0x40000000
const LAST_SHARED = PENDING + 511

/** `1: POSIX  ADVISORY  WRITE 4321 08:01:131085 120 120` */
const LINE =
  /^\d+: POSIX +ADVISORY +(READ|WRITE) +(\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) +(\d+) +(\d+|EOF)$/

/**
 * Who holds locks on a database, as the kernel lists them. Linux alone does so; elsewhere, and in another PID namespace,
 * the list is empty.
 */
export function locksOn(path: string): HeldLock[] {
  const lines = readLocks()
  if (lines === undefined) return []
  const file = realPathOf(path)
  const locks: HeldLock[] = []
  for (const line of lines) {
    const match = LINE.exec(line)
    if (match === null) continue
    const [, , pid, , , inode, first, last] = match
    const from = Number(first)
    const to = last === 'EOF' ? Number.POSITIVE_INFINITY : Number(last)
    const kind =
      Number(inode) === inodeOf(`${file}-shm`)
        ? kindOfWal(from, to)
        : Number(inode) === inodeOf(file)
          ? kindOfFile(from, to, match[1] === 'WRITE')
          : undefined
    if (kind !== undefined && Number(pid) > 0) locks.push({ pid: Number(pid), kind })
  }
  return locks
}

/** The program that a process runs, for people: `node worker.js`. Undefined if that cannot be read. */
export function programOf(pid: number): string | undefined {
  try {
    const [program = '', ...rest] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    // Further arguments may hold secrets.
    const script = rest.find((each) => each !== '' && !each.startsWith('-'))
    const names = [program, script].filter(
      (each): each is string => each !== undefined && each !== '',
    )
    return names.map((each) => each.split('/').pop()).join(' ')
  } catch {
    return undefined
  }
}

function kindOfWal(from: number, to: number): HeldLock['kind'] | undefined {
  if (from <= WAL_WRITE && to >= WAL_WRITE) return 'write'
  return from <= WAL_LAST_READER && to >= WAL_FIRST_READER ? 'read' : undefined
}

function kindOfFile(from: number, to: number, exclusive: boolean): HeldLock['kind'] | undefined {
  if (from > LAST_SHARED || to < PENDING) return undefined
  return exclusive ? 'write' : 'read'
}

function readLocks(): readonly string[] | undefined {
  try {
    return readFileSync('/proc/locks', 'utf8').split('\n')
  } catch {
    return undefined
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}
