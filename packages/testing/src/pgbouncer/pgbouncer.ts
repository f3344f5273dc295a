import { spawnSync } from 'node:child_process'
import { accessSync, chownSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findSuiteProgram, type SuiteProgram } from '../debian/suite-programs.js'
import { findServerUser } from '../postgres/server-user.js'
import { ServerProcess } from '../servers/server-process.js'
import { startOnPort } from '../servers/start-on-port.js'

export const PGBOUNCER_INSTALL_COMMAND = 'apt-get install -y --no-install-recommends pgbouncer'

/** The first suite whose PgBouncer keeps track of prepared statements; Debian 12 has 1.18. */
export const TRACKING_PGBOUNCER: SuiteProgram = {
  suite: 'trixie',
  package: 'pgbouncer',
  file: 'usr/sbin/pgbouncer',
}

const USUAL_FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/usr/local/sbin']

/** PgBouncer, and whether it can keep track of the statements that its clients prepare. */
export interface PgBouncerProgram {
  readonly program: string
  readonly tracksStatements: boolean
}

/**
 * Finds PgBouncer: the program that `PGBOUNCER` names, else {@link TRACKING_PGBOUNCER} if it was fetched, else where packages
 * put it, else in the `PATH`.
 *
 * @returns undefined if there is none
 */
export function findPgBouncer(): PgBouncerProgram | undefined {
  const folders = [...USUAL_FOLDERS, ...(process.env.PATH ?? '').split(path.delimiter)]
  const candidates = folders.filter(path.isAbsolute).map((each) => path.join(each, 'pgbouncer'))
  const fetched = findSuiteProgram(TRACKING_PGBOUNCER)
  const program = [process.env.PGBOUNCER ?? '', fetched ?? '', ...candidates].find(isProgram)
  if (program === undefined) return undefined
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(stdout) ?? []
  return { program, tracksStatements: Number(major) > 1 || Number(minor) >= 21 }
}

/** A PgBouncer that pools by transaction. */
export interface RunningPgBouncer {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts PgBouncer before a server. It keeps track of no prepared statements, as every version before 1.21.
 *
 * @param url of the server, whose user needs no password
 * @param settings more lines for its section `pgbouncer`; `max_prepared_statements` has it keep track
 */
export async function startPgBouncer(
  url: string,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<RunningPgBouncer> {
  const found = findPgBouncer()
  if (found === undefined)
    throw new Error(`PgBouncer is not installed: ${PGBOUNCER_INSTALL_COMMAND}`)
  const target = new URL(url)
  const user = findServerUser()
  const directory = mkdtempSync(path.join(tmpdir(), 'connmgr-pgbouncer-'))
  if (user) chownSync(directory, user.uid, user.gid)
  const { server, port } = await startOnPort(0, (port) => {
    const file = path.join(directory, 'pgbouncer.ini')
    const lines = {
      listen_addr: '127.0.0.1',
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'any',
      pool_mode: 'transaction',
      ignore_startup_parameters: 'extra_float_digits',
      ...(found.tracksStatements && { max_prepared_statements: 0 }),
      ...settings,
    }
    const section = Object.entries(lines).map(([name, value]) => `${name} = ${value}`)
    writeFileSync(
      file,
      `[databases]\n* = host=${target.hostname} port=${target.port} user=${target.username || 'postgres'}\n[pgbouncer]\n${section.join('\n')}\n`,
    )
    return ServerProcess.start({
      product: 'PgBouncer',
      program: found.program,
      argv: [file],
      user,
      dataDirectory: directory,
      word: directory,
      ready: /process up: PgBouncer/,
      portTaken: /Address already in use|cannot listen/,
    })
  })
  const through = new URL(url)
  through.port = String(port)
  return {
    url: through.href,
    async stop() {
      await server.kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function isProgram(file: string): boolean {
  if (file === '') return false
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
