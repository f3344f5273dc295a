import type { FunctionReference } from '@connmgr/core/driver'
import type { QueryRunner, ReplicationMode } from 'typeorm'
import type { Performed, RunnerLease } from './runner-lease.js'

/** What TypeORM's query runner asks of a prepared statement of better-sqlite3. */
interface TypeormStatement {
  readonly reader: boolean
  all(): unknown[]
  run(): { readonly changes: number; readonly lastInsertRowid: number | bigint }
}

/** TypeORM's query runner for better-sqlite3: what is used and replaced of it. */
export interface PlainQueryRunner extends QueryRunner {
  isReleased: boolean
  mode?: ReplicationMode
  getStmt(query: string): Promise<TypeormStatement>
  loadPragmaRecords(tablePath: string, pragma: string): Promise<unknown[]>
  splitTablePath(tablePath: string): readonly [database: string | undefined, table: string]
}
/** Its `query`, whose overloads cannot be called with a flag of unknown value. */
type PlainQuery<T> = (
  this: PlainQueryRunner,
  query: string,
  parameters: unknown[],
  useStructuredResult: boolean,
) => Promise<T>

export type PlainQueryRunnerClass = new (driver: object) => PlainQueryRunner

/** A query runner whose statements run on the connections of a manager. */
export type ManagedQueryRunnerClass = new (
  driver: object,
  mode: ReplicationMode,
  leased: RunnerLease,
) => PlainQueryRunner

/**
 * TypeORM's query runner over a manager. Logging, events, errors and the form of results stay TypeORM's: only what it
 * takes for a prepared statement of its one connection is a result that is there already.
 */
export function managedQueryRunner(Plain: PlainQueryRunnerClass): ManagedQueryRunnerClass {
  return class ManagedQueryRunner extends Plain {
    /** Not `#leased`: `query` runs on objects that inherit from this one. */
    readonly leased: RunnerLease

    constructor(driver: object, mode: ReplicationMode, leased: RunnerLease) {
      super(driver)
      this.mode = mode
      this.leased = leased
    }

    /** There is nothing to connect: a statement borrows its connection. */
    override async connect(): Promise<undefined> {
      return undefined
    }

    // Not async: a frame of its own would stand between the caller and TypeORM in leak reports.
    override query<T = unknown>(
      query: string,
      parameters: unknown[] = [],
      useStructuredResult = false,
    ): Promise<T> {
      const { leased } = this
      // Fails when its result is read, where every version of TypeORM makes a QueryFailedError of that.
      const getStmt = (sql: string): Promise<TypeormStatement> =>
        leased.perform(sql, parameters, getStmt as FunctionReference).then(statementOf, failing)
      // Statements of one runner may overlap: each has a `getStmt` that knows its parameters.
      const runner: PlainQueryRunner = Object.create(this, { getStmt: { value: getStmt } })
      return (super.query as PlainQuery<T>).call(runner, query, parameters, useStructuredResult)
    }

    /** Outside of a transaction: SQLite ignores it within one. */
    override async beforeMigration(): Promise<void> {
      await this.leased.perform('PRAGMA foreign_keys = OFF', [], this.beforeMigration)
    }

    override async afterMigration(): Promise<void> {
      await this.leased.perform('PRAGMA foreign_keys = ON', [], this.afterMigration)
      this.leased.letGo()
    }

    override async loadPragmaRecords(tablePath: string, pragma: string): Promise<unknown[]> {
      const [database, table] = this.splitTablePath(tablePath)
      const performed = await this.leased.perform(
        `PRAGMA ${database ? `"${database}".` : ''}${pragma}("${table}")`,
        [],
        this.loadPragmaRecords,
      )
      return performed.reader ? performed.rows : []
    }

    override async release(): Promise<void> {
      await super.release()
      this.isReleased = true
      this.leased.release()
    }
  }
}

/** A statement that has run. */
function statementOf(performed: Performed): TypeormStatement {
  return {
    reader: performed.reader,
    all: () => (performed.reader ? performed.rows : []),
    run: () => (performed.reader ? { changes: 0, lastInsertRowid: 0 } : performed.result),
  }
}

function failing(error: unknown): TypeormStatement {
  const fail = (): never => {
    throw error
  }
  return { reader: true, all: fail, run: fail }
}
