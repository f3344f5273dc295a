/** How the demo uses one ORM. */
export interface Workload {
  readonly orm: string
  /** Writes one row of the ledger. */
  write(id: string): Promise<void>
  /** Reads something. */
  read(): Promise<number>
  /** Takes a connection and does not give it back, as a bug would. Resolves with what mends it in the end. */
  leak(): Promise<() => Promise<void>>
  close(): Promise<void>
}
