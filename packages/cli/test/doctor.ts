import { patient } from '@connmgr/testing'
import type { ReportedFinding } from '../src/doctor/finding.js'
import type { DoctorReport } from '../src/doctor/report.js'
import { runJson } from './run-command.js'

/** Runs `doctor --json` with more options. */
export function doctor(...args: string[]): Promise<{ code: number; report: DoctorReport }> {
  return runJson('doctor', '--timeout', `${patient(30_000)}`, ...args)
}

/** The finding of an id; undefined if there is none. */
export function found(report: DoctorReport, id: string): ReportedFinding | undefined {
  return report.findings.find((finding) => finding.id === id)
}

/** What was found, the gravest first. */
export function idsOf(report: DoctorReport): string[] {
  return report.findings.map(({ id }) => id)
}
