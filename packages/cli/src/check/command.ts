import { redactText } from '@connmgr/core'
import { messageOf, systemClock } from '@connmgr/core/driver'
import { type Deadline, startDeadline } from '../databases/deadline.js'
import { openMysql } from '../databases/open-mysql.js'
import { openPostgresql } from '../databases/open-postgresql.js'
import { openSqlite } from '../databases/open-sqlite.js'
import { leave, type Opened, type ServerRole } from '../databases/opened.js'
import { EXIT_CODE, type ExitCode, UsageError } from '../exit-code.js'
import {
  choiceOf,
  countOf,
  type OptionDeclarations,
  type Parsed,
  textsOf,
} from '../options/parse.js'
import { type DatabaseKind, resolveTargets, type Target } from '../targets.js'
import type { Io } from '../terminal/io.js'
import { plainText } from '../terminal/plain-text.js'
import { type Style, styleFor } from '../terminal/style.js'
import { duration } from '../terminal/units.js'

/** The options of `check`. */
export const CHECK_OPTIONS = {
  url: { type: 'string', multiple: true },
  role: { type: 'string' },
  timeout: { type: 'string' },
} as const satisfies OptionDeclarations

/** Rises when a field of the report changes its meaning or goes; fields may be added without. */
export const CHECK_SCHEMA_VERSION = 1

const DEFAULT_TIMEOUT_MS = 5000

/** What has to be so for `check` to pass. */
export type Wanted = 'primary' | 'any' | 'all'

/** One server, checked. */
export interface ServerCheck {
  readonly endpoint: string
  readonly database: DatabaseKind
  readonly healthy: boolean
  readonly role: ServerRole['role'] | null
  readonly writable: boolean | null
  /** From the first packet to the end of the login. */
  readonly connectMs: number | null
  /** Of one question and its answer, once connected. */
  readonly latencyMs: number | null
  readonly error: string | null
}

/** What `check --json` prints. */
export interface CheckReport {
  readonly schemaVersion: typeof CHECK_SCHEMA_VERSION
  readonly command: 'check'
  /** ISO 8601. */
  readonly at: string
  /** Whether what was wanted is so: the exit code is 0 then. */
  readonly ok: boolean
  readonly wanted: Wanted
  /** The endpoint that takes writes; null if none does, or several do. */
  readonly primary: string | null
  readonly servers: readonly ServerCheck[]
}

/** Connects to each server, and says which of them takes writes. */
export async function runCheck(parsed: Parsed, io: Io): Promise<ExitCode> {
  const wanted = choiceOf<Wanted>(parsed, 'role', ['primary', 'any', 'all'], 'primary')
  const timeoutMs = countOf(parsed, 'timeout', { least: 1 }) ?? DEFAULT_TIMEOUT_MS
  const targets = await resolveTargets(textsOf(parsed, 'url'), io.env)
  const deadline = startDeadline(timeoutMs, io.signal)
  const servers = await Promise.all(targets.map((target) => checkServer(target, deadline)))
  deadline.end()
  if (io.signal.aborted) return EXIT_CODE.interrupted
  const writers = servers.filter(({ writable, role }) => role === 'primary' && writable === true)
  const primary = writers.length === 1 ? (writers[0]?.endpoint ?? null) : null
  const report: CheckReport = {
    schemaVersion: CHECK_SCHEMA_VERSION,
    command: 'check',
    at: new Date(systemClock.wallTime()).toISOString(),
    ok: isAsWanted(wanted, servers, primary),
    wanted,
    primary,
    servers,
  }
  const style = styleFor(io.stdout, io.env, parsed['no-color'] !== true)
  io.stdout.write(
    parsed.json === true
      ? `${JSON.stringify(report, null, 2)}\n`
      : render(report, writers.length, style),
  )
  if (servers.every(({ healthy }) => !healthy)) return EXIT_CODE.unreachable
  return report.ok ? EXIT_CODE.ok : EXIT_CODE.findings
}

function isAsWanted(
  wanted: Wanted,
  servers: readonly ServerCheck[],
  primary: string | null,
): boolean {
  if (wanted === 'any') return servers.some(({ healthy }) => healthy)
  return primary !== null && (wanted === 'primary' || servers.every(({ healthy }) => healthy))
}

async function checkServer(target: Target, deadline: Deadline): Promise<ServerCheck> {
  const { endpoint, kind } = target
  const { signal } = deadline
  const clock = systemClock
  let opened: Opened | undefined
  const cutOff = (): void => opened?.destroy()
  signal.addEventListener('abort', cutOff, { once: true })
  try {
    const startedAt = clock.now()
    opened = await open(target, deadline)
    const connectedAt = clock.now()
    const { role, writable } = await opened.role()
    const askedAt = clock.now()
    await opened.query('select 1')
    const answeredAt = clock.now()
    await leave(opened)
    return {
      endpoint: endpoint.id,
      database: kind,
      healthy: true,
      role,
      writable,
      connectMs: rounded(connectedAt - startedAt),
      latencyMs: rounded(answeredAt - askedAt),
      error: null,
    }
  } catch (error) {
    opened?.destroy()
    if (error instanceof UsageError) throw error
    return {
      endpoint: endpoint.id,
      database: kind,
      healthy: false,
      role: null,
      writable: null,
      connectMs: null,
      latencyMs: null,
      error: redactText(messageOf(signal.aborted ? signal.reason : error)),
    }
  } finally {
    signal.removeEventListener('abort', cutOff)
  }
}

function open(target: Target, { leftMs, signal }: Deadline): Promise<Opened> {
  switch (target.kind) {
    case 'postgresql':
      return openPostgresql(target.endpoint, signal)
    case 'mysql':
      return openMysql(target.endpoint, signal)
    case 'sqlite':
      return openSqlite(target.location as string, leftMs)
  }
}

function render(report: CheckReport, writers: number, style: Style): string {
  const lines = report.servers.map((server) => {
    const name = style.bold(plainText(server.endpoint))
    if (!server.healthy) return `${style.red('down')}  ${name}  ${plainText(server.error ?? '')}`
    const role = `${server.role}${server.role === 'primary' && !server.writable ? ', refuses writes' : ''}`
    return `${style.green('up')}    ${name}  ${role}, connected in ${duration(server.connectMs ?? 0)}, answers in ${duration(server.latencyMs ?? 0)}`
  })
  const primary =
    report.primary === null
      ? style.red(writers > 1 ? `${writers} servers take writes` : 'no server takes writes')
      : `primary: ${plainText(report.primary)}`
  return `${[...lines, primary].join('\n')}\n`
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}
