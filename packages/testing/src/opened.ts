/** What has to be closed, such as a manager. */
interface Closable {
  close(options?: { drainTimeoutMs?: number }): Promise<void>
}

/** Keeps in mind what tests have opened, and closes it after them. */
export class Opened {
  readonly #opened: Closable[] = []

  add<T extends Closable>(opened: T): T {
    this.#opened.push(opened)
    return opened
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((each) => each.close({ drainTimeoutMs: 0 })))
  }
}
