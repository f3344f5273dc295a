/** Runs a statement in a transaction. */
type Run = (sql: string) => Promise<unknown>

/** How the demo uses one ORM. */
export interface Workload {
  readonly orm: string
  /** Writes one row of the ledger. */
  write(id: string): Promise<void>
  /**
   * Writes one row in a transaction that is run again by itself when it has failed without effect.
   *
   * @param before done in the transaction before the row is written; attempts count from 1
   */
  writeSafely(id: string, before?: (attempt: number, run: Run) => Promise<unknown>): Promise<void>
  /** Reads something. */
  read(): Promise<number>
  /** Takes a connection and does not give it back, as a bug would. Resolves with what mends it in the end. */
  leak(): Promise<() => Promise<void>>
  close(): Promise<void>
}
