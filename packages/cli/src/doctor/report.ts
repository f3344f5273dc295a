import type { ServerReport } from './examination.js'
import {
  type NotSeen,
  type ReportedFinding,
  reaches,
  SEVERITIES,
  type Severity,
} from './finding.js'

/** From which severity on `doctor` fails; with `never` it does not. */
export type FailOn = Severity | 'never'

/** Rises when a field of the report changes its meaning or goes; fields may be added without. */
export const DOCTOR_SCHEMA_VERSION = 1

/** What `doctor --json` prints. */
export interface DoctorReport {
  readonly schemaVersion: typeof DOCTOR_SCHEMA_VERSION
  readonly command: 'doctor'
  /** ISO 8601. */
  readonly at: string
  /** False if a finding reaches `failOn`: the exit code is 1 then. */
  readonly ok: boolean
  readonly failOn: FailOn
  /** What the servers are judged against. */
  readonly plan: { readonly instances: number; readonly limit: number }
  /** In the order in which they were named. */
  readonly servers: readonly ServerReport[]
  /** The gravest first. */
  readonly findings: readonly ReportedFinding[]
  readonly counts: Readonly<Record<Severity, number>>
  /** What could not be read, and why. */
  readonly notSeen: readonly NotSeen[]
}

/** How many findings there are of each severity. */
export function countBySeverity(findings: readonly ReportedFinding[]): Record<Severity, number> {
  return Object.fromEntries(
    SEVERITIES.map((severity) => [
      severity,
      findings.filter((each) => each.severity === severity).length,
    ]),
  ) as Record<Severity, number>
}

/** Whether no finding reaches the threshold. */
export function passes(findings: readonly ReportedFinding[], failOn: FailOn): boolean {
  return failOn === 'never' || !findings.some(({ severity }) => reaches(severity, failOn))
}
