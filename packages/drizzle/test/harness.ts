import type { ConnectionManager, ManagerOptions } from '@connmgr/core'

/** What is stored in `users`. */
interface User {
  id: number
  name: string
}

type Rows<T> = PromiseLike<T[]> & {
  where(condition: unknown): Rows<T>
  orderBy(column: unknown): Rows<T>
  prepare(name?: string): { execute(values: object): Promise<T[]> }
}

/** What the databases of drizzle have in common. Each has types of its own, which type tests check. */
export interface Statements {
  insert(table: unknown): { values(row: object): PromiseLike<unknown> }
  update(table: unknown): { set(row: object): { where(condition: unknown): PromiseLike<unknown> } }
  select(): { from(table: unknown): Rows<User> }
  query: { users: { findMany(wanted: object): Promise<object[]> } }
  transaction<T>(work: (tx: Statements) => Promise<T>): Promise<T>
}

export interface Database extends Statements {
  $connections: ConnectionManager<never>
  $client: object
}

export interface ReplicatedDatabase extends Database {
  $primary: Database
}

/** The options of a manager that all of these tests need. */
export type SuiteOptions = Pick<
  ManagerOptions<never>,
  'acquireTimeoutMs' | 'clock' | 'leakDetection' | 'name'
>

/** One kind of database, for the tests that all of them share. */
export interface Harness<Manager = never> {
  /** Starts a server or makes a file, with `users (id, name unique)`, `posts (id, title, author_id)` and `counters (id, n)`. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Empties the tables, but for one counter, 1, which is 0. Ids begin with 1 again. */
  reset(): Promise<void>
  readonly users: { readonly id: unknown; readonly name: unknown }
  readonly posts: { readonly id: unknown }
  readonly counters: { readonly id: unknown; readonly n: unknown }
  /** `config` is what `drizzle()` takes beside the schema. */
  open(options?: SuiteOptions, config?: object): Database
  /** A database where there is one connection for those who write. */
  openSingle(options?: SuiteOptions): Database
  openReplicated(): ReplicatedDatabase
  /** A manager of its own, and a database over it. */
  openOn(manager: Manager): Database
  createManager(): Manager & { close(): Promise<void> }
  replayTransaction(
    db: Database,
    work: (tx: Statements, attempt: number) => Promise<number>,
  ): Promise<number>
  /** Has the server end the connection of a transaction, or the transaction, so that a ROLLBACK has nothing to roll back. */
  cutOff(tx: Statements): Promise<void>
  /** Has a transaction fail as if another had come before it. Left out where none can. */
  conflict?(tx: Statements): Promise<unknown>
  /** Waits until a manager that has connected knows what it needs to know before it runs transactions again. */
  untilReplayable?(db: Database): Promise<void>
  /** With an option that there is not. */
  openWrongly(): unknown
  /** A password that must not be seen anywhere. */
  readonly secret?: string
}
