import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Command, Rejection, Report } from './messages.js'
import type { PeerDatabaseName } from './peer-database.js'

const PROGRAM = path.join(__dirname, `writer${path.extname(__filename)}`)
const OPEN_MS = 20_000
const STOP_MS = 10_000
const STDERR_KEPT = 4000

/** One write as the client's process reported it. */
export interface Write {
  readonly id: string
  readonly begunAt: number
  /** Undefined if no answer ever came. */
  settledAt?: number
  rejection?: Rejection
}

/** A client in a process of its own. */
export class PeerProcess {
  readonly writes: Write[] = []
  /** Why the process ended by itself; undefined if it did not. */
  crash: string | undefined
  readonly #child: ChildProcess
  readonly #byId = new Map<string, Write>()
  readonly #waiting = new Map<Report['type'], () => void>()
  #stderr = ''
  #failure: string | undefined
  #stopping = false

  constructor() {
    this.#child = fork(PROGRAM, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (this.#stderr.length < STDERR_KEPT) this.#stderr += text
    })
    this.#child.on('message', (report: Report) => this.#note(report))
    // After 'exit', what it had sent may still be on its way.
    this.#child.once('close', (code, signal) => {
      if (!this.#stopping) this.crash = reasonIn(this.#stderr) ?? `ended with ${signal ?? code}`
      for (const resolve of this.#waiting.values()) resolve()
    })
  }

  /** Resolves when the first write has been done. */
  async open(
    database: PeerDatabaseName,
    peer: string,
    urls: readonly [string, ...string[]],
  ): Promise<void> {
    await this.#ask({ type: 'open', database, peer, urls }, 'ready', OPEN_MS)
    const failure = this.#failure ?? this.crash
    if (failure !== undefined) throw new Error(`${peer} could not be opened: ${failure}`)
  }

  start(): void {
    this.#child.send({ type: 'start' } satisfies Command)
  }

  /** Ends the load, waits a while for what is in flight, and ends the process. */
  async stop(): Promise<void> {
    if (this.crash !== undefined) return
    await this.#ask({ type: 'stop' }, 'stopped', STOP_MS)
    await this.kill()
  }

  async kill(): Promise<void> {
    this.#stopping = true
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }

  async #ask(command: Command, answer: Report['type'], withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#waiting.set(answer, resolve)
      timer = setTimeout(() => {
        this.#failure ??= `no answer to "${command.type}" within ${withinMs} ms`
        resolve()
      }, withinMs)
      this.#child.send(command, () => {})
    })
    clearTimeout(timer)
    this.#waiting.delete(answer)
  }

  #note(report: Report): void {
    if (report.type === 'begun') {
      const write: Write = { id: report.id, begunAt: report.at }
      this.writes.push(write)
      this.#byId.set(report.id, write)
    } else if (report.type === 'written' || report.type === 'rejected') {
      const write = this.#byId.get(report.id)
      if (write === undefined) return
      write.settledAt = report.at
      if (report.type === 'rejected') write.rejection = report.rejection
    } else if (report.type === 'failed') {
      this.#failure = report.message
      for (const resolve of this.#waiting.values()) resolve()
    } else this.#waiting.get(report.type)?.()
  }
}

/** The line of an uncaught error that says what it was. */
function reasonIn(stderr: string): string | undefined {
  return /^(?:<ref \*\d+> )?(?:\w*Error|error)\b.*: .*$/m.exec(stderr)?.[0]?.replace(/^<.*?> /, '')
}
