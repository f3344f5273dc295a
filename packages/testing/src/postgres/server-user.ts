import { readFileSync } from 'node:fs'

/** The operating system's user that servers run as. */
export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * PostgreSQL refuses to run as root. When we are root, it runs as `postgres` if there is such a user, else as
 * `nobody`; both need an entry in /etc/passwd, because initdb looks itself up there.
 *
 * @returns undefined if we are not root: servers then run as ourselves
 */
export function findServerUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const wanted of ['postgres', 'nobody']) {
    const fields = users.find(([name]) => name === wanted)
    if (fields !== undefined)
      return { name: wanted, uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  throw new Error(
    'PostgreSQL does not run as root, and /etc/passwd has neither a user "postgres" nor "nobody" to switch to',
  )
}
