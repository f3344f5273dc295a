/** How grave a finding is, the gravest first. */
export const SEVERITIES = ['critical', 'warning', 'advice'] as const

/**
 * - `critical`: work fails now, or acknowledged writes may be lost
 * - `warning`: it will hurt under load, in a failover or as the database grows
 * - `advice`: worth knowing; a default that another choice may suit better
 */
export type Severity = (typeof SEVERITIES)[number]

/** A verdict over one server, or over all of them together, with its evidence and its fix. */
export interface Finding {
  /** Stable, for scripts: `duplicate-index`. */
  readonly id: string
  readonly severity: Severity
  /** The endpoint that it is about; undefined for what is about all of them together. */
  readonly server?: string
  /** One sentence. */
  readonly title: string
  /** Facts that show it, one each. */
  readonly evidence: readonly string[]
  /** What to do about it. */
  readonly fix: string
}

/** A finding of the report: what is so on several servers is said once. */
export interface ReportedFinding extends Omit<Finding, 'server'> {
  /** The endpoints that it is about; all of them for what is about them together. */
  readonly servers: readonly string[]
}

/** What could not be read, and why. */
export interface NotSeen {
  readonly server: string
  readonly what: string
  readonly reason: string
}

/**
 * The gravest first; findings of one severity in the order in which they were found. What is the same on several servers, as
 * what a standby has of its primary, is one finding.
 *
 * @param endpoints all that were examined
 */
export function ranked(
  findings: readonly Finding[],
  endpoints: readonly string[],
): ReportedFinding[] {
  const merged = new Map<string, ReportedFinding>()
  for (const { server, ...finding } of findings) {
    const { evidence, fix, id, severity, title } = finding
    const key = JSON.stringify([id, severity, title, evidence, fix])
    const servers = [
      ...(merged.get(key)?.servers ?? []),
      ...(server === undefined ? endpoints : [server]),
    ]
    merged.set(key, { ...finding, servers: [...new Set(servers)] })
  }
  return [...merged.values()].sort((a, b) => gravity(a.severity) - gravity(b.severity))
}

/** Whether a severity is that of a threshold, or above it. */
export function reaches(severity: Severity, threshold: Severity): boolean {
  return gravity(severity) <= gravity(threshold)
}

function gravity(severity: Severity): number {
  return SEVERITIES.indexOf(severity)
}
