import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { SqliteLibrary } from '@connmgr/sqlite'

/** Another process that holds the lock of a database for writing on request. */
export class OtherProcess {
  readonly #child: ChildProcess
  readonly #lines: Interface

  constructor(library: SqliteLibrary, file: string) {
    this.#child = spawn(
      process.execPath,
      [path.join(__dirname, 'lock-holder.cjs'), library, file],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Resolves once it holds the lock. */
  lock(): Promise<void> {
    return this.#ask('lock', 'locked')
  }

  /** Resolves once it has committed. */
  release(): Promise<void> {
    return this.#ask('release', 'released')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  async #ask(command: string, answer: string): Promise<void> {
    const answered = once(this.#lines, 'line')
    this.#child.stdin?.write(`${command}\n`)
    const [line] = await answered
    if (line !== answer) throw new Error(`the other process has said ${JSON.stringify(line)}`)
  }
}
