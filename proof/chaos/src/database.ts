import type { RoundContext } from './round-context.js'
import type { Scenario } from './scenario.js'

/** The names that `--db` takes. */
export type DatabaseName = 'postgresql' | 'mariadb'

/** The scenarios of one database, and what they work with. */
export interface Database<C extends RoundContext = RoundContext> {
  readonly scenarios: readonly Scenario<C>[]
  /** What the load may go through; the default first. */
  readonly orms: readonly [string, ...string[]]
  createContext(orm: string, show: (line: string) => void): C
  /**
   * Makes sure that the servers' programs are here.
   *
   * @throws MissingProgramsError
   */
  prepare(show: (line: string) => void): void
}

/** The servers' programs are not here and cannot be installed by this process; the message has the command that does. */
export class MissingProgramsError extends Error {
  /** Of the process that ends with it, so that a caller can tell it from a scenario that failed. */
  static readonly EXIT_CODE = 3
}

export async function loadDatabase(name: DatabaseName): Promise<Database> {
  switch (name) {
    case 'postgresql':
      return (await import('./postgres/database.js')).POSTGRESQL
    case 'mariadb':
      return (await import('./mariadb/database.js')).MARIADB
  }
}
