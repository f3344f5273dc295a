import type { ConnectionManager } from '@connmgr/core'

/** What the tests do through one library, within a transaction or outside. */
export interface Statements {
  insert(name: string): PromiseLike<unknown>
  increment(): PromiseLike<unknown>
  names(): Promise<string[]>
  raw(text: string): PromiseLike<unknown>
}

/** A library over a pool of a manager, with the tables `people (name)` and `counters (id, n)`. */
export interface Library extends Statements {
  transaction<T>(work: (tx: Statements) => Promise<T>): Promise<T>
  /** Reads the names one by one, if the library can. */
  stream?(): AsyncIterable<string>
  /** Ends the library, not the manager. */
  end(): Promise<unknown>
}

/** What the tests ask of a manager. */
export type LibraryManager = Pick<
  ConnectionManager<never>,
  'close' | 'closed' | 'detectLeaks' | 'getPoolMetrics' | 'on' | 'replay'
> & { use<T>(work: () => Promise<T>): Promise<T> }

/** What a test needs of a database. */
export interface Database<Manager> {
  start(): Promise<void>
  stop(): Promise<void>
  reset(): Promise<void>
  /** @param single with one connection for those who write */
  open(options: { single?: boolean; leakThresholdMs?: number; acquireTimeoutMs?: number }): Manager
  /** Waits until a manager that has connected knows what it needs to know before it runs transactions again. */
  untilReplayable?(manager: Manager): Promise<void>
  /** Has a transaction fail because another came before it; left out where none can. */
  conflict?(tx: Statements): Promise<unknown>
}

/** The tables, in SQL of all databases. */
export const TABLES = [
  'create table people (name varchar(100) not null primary key)',
  'create table counters (id integer not null primary key, n integer not null)',
  'insert into counters values (1, 0)',
]
export const RESET = ['delete from people', 'update counters set n = 0']
