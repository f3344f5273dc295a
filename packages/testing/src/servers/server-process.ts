import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { listChildren, listServerProcesses, signalProcess } from '../../bin/server-processes.cjs'
import { eventually } from '../eventually.js'
import { patient } from '../patience.js'

const LINES_KEPT = 40

/** How a server of some database is started, and what it writes to stderr then. */
export interface ServerCommand {
  /** The name of the database in messages. */
  readonly product: string
  readonly program: string
  readonly argv: readonly string[]
  /** The user of the operating system that it runs as. @default ours */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  readonly dataDirectory: string
  /** In the command line of every process of this server, and of no other. */
  readonly word: string
  /** Matches the line that says that the server accepts connections. */
  readonly ready: RegExp
  /** Matches the lines that say that its port is in use. */
  readonly portTaken: RegExp
}

/** The server did not start because its port is in use. */
export class PortTakenError extends Error {}

/** One running server with its child processes, from its start to its exit. */
export class ServerProcess {
  readonly pid: number
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #word: string
  readonly #lines: string[]
  #running = true
  #frozen = false

  private constructor(child: ChildProcess, word: string, lines: string[]) {
    this.#child = child
    this.#word = word
    this.#lines = lines
    this.pid = child.pid as number
    this.exited = once(child, 'exit').then(() => {
      this.#running = false
    })
  }

  /** Resolves when the server accepts connections, on a standby when it accepts reads. */
  static async start(
    { product, program, argv, user, dataDirectory, word, ready, portTaken }: ServerCommand,
    timeoutMs = patient(60_000),
  ): Promise<ServerProcess> {
    const child = spawn(program, argv, {
      cwd: dataDirectory,
      env: { LC_ALL: 'C', PATH: process.env.PATH },
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(user && { uid: user.uid, gid: user.gid }),
    })
    const lines: string[] = []
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => {
        const message = `${product} in ${dataDirectory} ${why}\n${lines.join('\n')}`
        reject(portTaken.test(message) ? new PortTakenError(message) : new Error(message))
      }
      const timer = setTimeout(() => {
        child.kill('SIGQUIT')
        fail(`was not ready within ${timeoutMs} ms`)
      }, timeoutMs)
      child.once('error', (error) => {
        clearTimeout(timer)
        fail(`could not be run: ${error.message}`)
      })
      // 'close' rather than 'exit': the last lines say why it ended
      child.once('close', (code, signal) => {
        clearTimeout(timer)
        fail(`ended with ${signal ?? code} before it was ready`)
      })
      createInterface({ input: child.stderr as Socket }).on('line', (line) => {
        lines.push(line)
        if (lines.length > LINES_KEPT) lines.shift()
        if (!ready.test(line)) return
        clearTimeout(timer)
        resolve()
      })
    })
    // A forgotten server must not keep the process from ending: the watchdog takes care of it.
    child.unref()
    ;(child.stderr as Socket).unref()
    return new ServerProcess(child, word, lines)
  }

  get running(): boolean {
    return this.#running
  }

  get frozen(): boolean {
    return this.#frozen && this.#running
  }

  /** The last lines the server logged. */
  get log(): string {
    return this.#lines.join('\n')
  }

  /** Asks the server to shut down; a frozen server is thawed for it. False if it has not ended in time. */
  async shutDown(signal: NodeJS.Signals, timeoutMs: number): Promise<boolean> {
    signalProcess(this.pid, signal)
    await this.thaw()
    return this.#waitForExit(timeoutMs)
  }

  /** Kills every process at once. */
  async kill(): Promise<void> {
    this.#signalFamily('SIGKILL')
    this.#child.ref()
    await this.exited
    await this.#signalAll('SIGKILL', () => false)
  }

  async freeze(): Promise<void> {
    this.#frozen = true
    this.#signalFamily('SIGSTOP')
    await this.#signalAll('SIGSTOP', (state) => state === 'T')
  }

  async thaw(): Promise<void> {
    if (!this.#frozen) return
    await this.#signalAll('SIGCONT', (state) => state !== 'T')
    this.#frozen = false
  }

  /** Waits for the exit; false if it has not come within the time. */
  async #waitForExit(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    this.#child.ref()
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1))
    })
    await Promise.race([this.exited, late])
    clearTimeout(timer)
    this.#child.unref()
    return !this.#running
  }

  /**
   * Signals the server and its children as nearly at once as can be: to look through all processes of the machine
   * would take so long that a client could notice the first one's end before the others'.
   */
  #signalFamily(signal: NodeJS.Signals): void {
    // A stopped server can neither fork nor clean up, so no process escapes.
    signalProcess(this.pid, 'SIGSTOP')
    for (const pid of listChildren(this.pid)) signalProcess(pid, signal)
    if (signal !== 'SIGSTOP') signalProcess(this.pid, signal)
  }

  /** Signals the server and all its children until each one is as it should be, or gone. */
  #signalAll(signal: NodeJS.Signals, isDone: (state: string) => boolean): Promise<void> {
    return eventually(
      () => {
        const rest = listServerProcesses(this.#word).filter(({ state }) => !isDone(state))
        for (const { pid } of rest) signalProcess(pid, signal)
        return rest.length === 0
      },
      () => `not every process of ${this.#word} obeyed ${signal}`,
    )
  }
}
