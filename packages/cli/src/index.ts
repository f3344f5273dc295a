// For programs that run a command by themselves. Applications that want to be looked into import `@connmgr/cli/server`.
export {
  CHECK_SCHEMA_VERSION,
  type CheckReport,
  type ServerCheck,
  type Wanted,
} from './check/command.js'
export type { ConnectionCount, Fact, ServerReport } from './doctor/examination.js'
export type { NotSeen, ReportedFinding, Severity } from './doctor/finding.js'
export { DOCTOR_SCHEMA_VERSION, type DoctorReport, type FailOn } from './doctor/report.js'
export { EXIT_CODE, type ExitCode } from './exit-code.js'
export { run } from './run.js'
export type { Io, Output } from './terminal/io.js'
