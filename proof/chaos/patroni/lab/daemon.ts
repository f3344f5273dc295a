import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { LabFolder } from './lab-folder.js'
import { signalProcess } from './processes.js'

/** Where Debian keeps the programs. */
export const PROGRAM_PATH = '/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** One program of the lab that runs in the background. What it writes goes to a file of the lab. */
export class Daemon {
  readonly name: string
  readonly #child: ChildProcess
  readonly #log: string

  private constructor(name: string, child: ChildProcess, log: string) {
    this.name = name
    this.#child = child
    this.#log = log
  }

  static async start(
    folder: LabFolder,
    name: string,
    command: readonly [string, ...string[]],
  ): Promise<Daemon> {
    const [program, ...argv] = command
    const log = path.join(folder.path, `${name}.log`)
    const output = openSync(log, 'a')
    const child = spawn(program, argv, {
      cwd: folder.path,
      env: { PATH: PROGRAM_PATH, HOME: folder.path, LANG: 'C.UTF-8' },
      // A session of its own: a Ctrl-C in the terminal is for us, and we end the lab in order.
      detached: true,
      stdio: ['ignore', output, output],
      ...folder.owner,
    })
    closeSync(output)
    await once(child, 'spawn')
    child.unref()
    return new Daemon(name, child, log)
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The end of what it wrote. */
  get log(): string {
    return readFileSync(this.#log, 'utf8').split('\n').slice(-15).join('\n')
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) signalProcess(this.#child.pid as number, signal)
  }

  async kill(): Promise<void> {
    if (!this.running) return
    const exited = once(this.#child, 'exit')
    this.#child.ref()
    this.signal('SIGKILL')
    await exited
  }
}
