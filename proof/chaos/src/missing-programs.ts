/** The servers' programs are not here and cannot be installed by this process; the message has the command that does. */
export class MissingProgramsError extends Error {
  /** Of the process that ends with it, so that a caller can tell it from a scenario that failed. */
  static readonly EXIT_CODE = 3
}
