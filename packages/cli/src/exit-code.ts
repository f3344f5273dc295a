/** What a command ends with. Scripts rely on these numbers. */
export const EXIT_CODE = {
  /** Nothing to complain about. */
  ok: 0,
  /** `doctor` has findings of `--fail-on` or above; `check` has found the database unfit. */
  findings: 1,
  /** An option or a command is wrong. */
  usage: 2,
  /** No server, and no process, could be reached. */
  unreachable: 3,
  /** SIGINT, as a shell counts it. */
  interrupted: 130,
} as const

/** A number of {@link EXIT_CODE}. */
export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE]

/** A command was called in a wrong way. Its message names the option and the fix. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Nothing answers where a command was to connect to. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}
