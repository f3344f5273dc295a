import type { Database, Harness, Statements, SuiteOptions } from './harness.js'

/** The databases of a test, which end with it. */
export class Databases<Manager> {
  readonly harness: Harness<Manager>
  #opened: Database[] = []

  constructor(harness: Harness<Manager>) {
    this.harness = harness
  }

  open(options?: SuiteOptions): Database {
    return this.keep(this.harness.open(options))
  }

  keep<T extends Database>(db: T): T {
    this.#opened.push(db)
    return db
  }

  async namesIn(db: Statements): Promise<string[]> {
    const { users } = this.harness
    return (await db.select().from(users).orderBy(users.id)).map((each) => each.name)
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = []
    await Promise.all(opened.map((db) => db.$connections.close({ drainTimeoutMs: 0 })))
    await this.harness.reset()
  }
}
