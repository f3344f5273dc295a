import { plainText } from '../terminal/plain-text.js'
import type { Style } from '../terminal/style.js'
import { counted, duration } from '../terminal/units.js'
import type { ServerReport } from './examination.js'
import { type ReportedFinding, SEVERITIES, type Severity } from './finding.js'
import type { DoctorReport } from './report.js'

const NAMES = { postgresql: 'PostgreSQL', mysql: 'MySQL', sqlite: 'SQLite' } as const

/** The report, for people: the servers, then the findings with their fixes, then what was not seen. */
export function renderDoctor(report: DoctorReport, style: Style): string {
  const lines = [
    ...report.servers.flatMap((server) => [...serverLines(server, style), '']),
    ...report.findings.flatMap((finding, index) => [
      ...findingLines(finding, index + 1, report.servers.length > 1, style),
      '',
    ]),
    ...notSeenLines(report, style),
    verdict(report, style),
  ]
  return `${lines.join('\n')}\n`
}

function serverLines(server: ServerReport, style: Style): string[] {
  const title = style.bold(plainText(server.endpoint))
  if (!server.reachable) return [`${title}  ${style.red('not reached')}`]
  const role =
    server.role === null ? '' : `, ${server.role}${server.writable ? '' : ' (read only)'}`
  const ms = server.connectMs === null ? '' : `, connected in ${duration(server.connectMs)}`
  const version = /mariadb/i.test(server.version ?? '') ? 'MariaDB' : NAMES[server.database]
  const lines = [`${title}  ${version} ${server.version ?? '(version not seen)'}${role}${ms}`]
  const details = [encryptionOf(server), reachOf(server), roomOf(server), poolerOf(server)]
  lines.push(...details.filter((line) => line !== '').map((line) => `  ${style.dim(line)}`))
  return lines
}

function encryptionOf({ tls }: ServerReport): string {
  if (tls === null) return ''
  if (!tls.encrypted) return 'TLS: off'
  return `TLS: ${tls.protocol ?? 'on'}, certificate ${tls.verified ? 'verified' : 'not verified'}`
}

function reachOf({ network }: ServerReport): string {
  if (network === null || network.host === undefined) return ''
  const addresses = network.addresses.join(', ')
  const local =
    network.reach === 'local' ? ' (this machine: TLS and the network are not judged)' : ''
  return `address: ${addresses}${local}`
}

function roomOf({ connections, facts }: ServerReport): string {
  const { connectionsAllowed: allowed, connectionsUsed: used } = facts
  if (typeof allowed !== 'number') return ''
  const holders = connections
    .slice(0, 4)
    .map(
      ({ application, connections: count, user }) => `${count} ${plainText(application || user)}`,
    )
  const by = holders.length === 0 ? '' : ` (${holders.join(', ')})`
  return `connections: ${used ?? '?'} of ${allowed}${by}`
}

function poolerOf({ facts }: ServerReport): string {
  if (facts.pooler === undefined || facts.pooler === null || facts.pooler === 'none') return ''
  return `pooler: ${facts.pooler === 'pgbouncer' ? 'PgBouncer' : 'yes'}, mode ${facts.poolMode ?? 'not seen'}`
}

function findingLines(
  { id, severity, servers, title, evidence, fix }: ReportedFinding,
  number: number,
  several: boolean,
  style: Style,
): string[] {
  const where = several ? ` ${style.dim(plainText(servers.join(', ')))}` : ''
  return [
    `${number}. ${colourOf(severity, style)(severity)} ${style.dim(id)}${where}`,
    `   ${style.bold(plainText(title))}`,
    ...evidence.map((line) => `   - ${plainText(line)}`),
    `   ${style.green('fix:')} ${plainText(fix)}`,
  ]
}

function notSeenLines({ notSeen, servers }: DoctorReport, style: Style): string[] {
  if (notSeen.length === 0) return []
  const lines = notSeen.map(({ reason, server, what }) => {
    const where = servers.length > 1 ? `${server}: ` : ''
    return style.dim(`  not seen: ${plainText(`${where}${what} (${reason})`)}`)
  })
  return [...lines, '']
}

function verdict({ counts, failOn, findings, ok, servers }: DoctorReport, style: Style): string {
  if (findings.length === 0) return style.green('No findings.')
  const each = SEVERITIES.filter((severity) => counts[severity] > 0).map(
    (severity) => `${counts[severity]} ${severity}`,
  )
  const text = `${counted(findings.length, 'finding')}: ${each.join(', ')}.`
  if (servers.every(({ reachable }) => !reachable)) return style.red(`${text} Exit code 3.`)
  if (ok) return style.green(text)
  return style.red(`${text} Exit code 1, as --fail-on is ${failOn}.`)
}

function colourOf(severity: Severity, style: Style): (text: string) => string {
  if (severity === 'critical') return style.red
  return severity === 'warning' ? style.yellow : style.cyan
}
