import type { RoundContext } from './round-context.js'
import type { Scenario } from './scenario.js'

/** The names that `--db` takes. */
export type DatabaseName = 'postgresql' | 'mariadb' | 'mysql'

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

export async function loadDatabase(name: DatabaseName): Promise<Database> {
  switch (name) {
    case 'postgresql':
      return (await import('./postgres/database.js')).POSTGRESQL
    case 'mariadb':
      return (await import('./mysql/database.js')).MARIADB
    case 'mysql':
      return (await import('./mysql/database.js')).MYSQL
  }
}
