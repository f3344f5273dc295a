import type { ConnectionManager, TransactionReplayOptions } from '@connmgr/core'

/** A library over one manager of PostgreSQL, with a table of numbers that it writes in its own way. */
export interface ReplaySubject {
  readonly connections: Pick<
    ConnectionManager<never>,
    'getCounts' | 'getHealthStatus' | 'getReplayStats' | 'on' | 'replay'
  >
  /** The adapter's `replayTransaction`. */
  replayTransaction<T>(
    work: (transaction: ReplayedTransaction, attempt: number) => Promise<T>,
    options?: TransactionReplayOptions & { readonly isolation?: string },
  ): Promise<T>
  /** The library's own transaction. */
  transaction<T>(work: (transaction: ReplayedTransaction) => Promise<T>): Promise<T>
  /** A statement by itself. */
  query(text: string): Promise<unknown>
  insert(id: number): Promise<unknown>
  ids(): Promise<number[]>
  /** Resolves when the manager knows what functions of the database do, so that it can tell what only reads. */
  catalogRead(): Promise<void>
  close(): Promise<unknown>
}

export interface ReplayedTransaction {
  insert(id: number): Promise<unknown>
  count(): Promise<number>
  query(text: string): Promise<unknown>
}

export interface ReplayHarness {
  /** The table, quoted if it has to be. */
  readonly table: string
  readonly createTable: string
  /** True in SQL, of `new`, for the row with the number 13, which takes its COMMIT a minute. */
  readonly isThirteen: string
  /** A statement that writes after a minute. */
  readonly slowInsert: string
  /** Where the code of a failed statement shows: on its error, or on the one that this wraps. */
  readonly codeIn: 'error' | 'cause' | 'parent'
  /** How the library writes SERIALIZABLE. */
  readonly serializable: string
  open(url: string): ReplaySubject | Promise<ReplaySubject>
}
