import type { ClientBase, Pool } from 'pg'

/** Counts rows by the fate that the manager has reported, to compare them with the rows that there are. */
export class Writes {
  #acknowledged = 0
  #unknown = 0

  get acknowledged(): number {
    return this.#acknowledged
  }

  get unknown(): number {
    return this.#unknown
  }

  /** Writes a row; whether it stays is decided by who commits. */
  async insert(client: ClientBase | Pick<Pool, 'query'>, by: string): Promise<void> {
    await client.query(`insert into soak_write (written_by) values ('${by}')`)
  }

  /** Notes the outcome of something that commits one row. `isUnknown` tells failures that may have committed it. */
  async note(committing: Promise<unknown>, isUnknown: (error: unknown) => boolean): Promise<void> {
    try {
      await committing
      this.#acknowledged += 1
    } catch (error) {
      if (isUnknown(error)) this.#unknown += 1
      throw error
    }
  }

  /** How many acknowledged rows are not among those found. */
  lost(found: number): number {
    return Math.max(0, this.#acknowledged - found)
  }

  /** How many rows were found that no caller believes to have committed. */
  unexpected(found: number): number {
    return Math.max(0, found - this.#acknowledged - this.#unknown)
  }
}
