import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Ledger, PostgresNode } from '@connmgr/testing'
import { now } from '../../now.js'
import { OperationLog } from '../../operation-log.js'
import { Recorder } from '../../recorder.js'
import type { ChaosContext } from '../context.js'
import type { CallersCommand, CallersReport, CallersSettings } from './messages.js'

const PROGRAM = path.join(__dirname, `callers-process${path.extname(__filename)}`)
/** What a process with nothing left to do may take to end. */
const END_MS = 10_000

export interface CallersOptions {
  readonly name: string
  readonly nodes: readonly Pick<PostgresNode, 'url'>[]
  /** Where their writes are noted. */
  readonly ledger: Ledger
  readonly load?: CallersSettings['load']
  readonly manager?: CallersSettings['manager']
}

/** How a process of callers ended. */
export interface CallersEnd {
  /** How long `manager.close()` took. */
  readonly closeMs: number
  /** From there until the process was gone; it goes by itself. NaN if it did not go. */
  readonly exitMs: number
  readonly crashes: number
}

/** A manager and its callers in a process of their own. What they do is reported here as it happens. */
export class Callers extends OperationLog {
  readonly recorder = new Recorder()
  readonly #context: ChaosContext
  readonly #child: ChildProcess
  readonly #ledger: Ledger
  #ready = false
  #closed: Extract<CallersReport, { type: 'closed' }> | undefined
  #exitedAt: number | undefined

  private constructor(context: ChaosContext, ledger: Ledger) {
    super()
    this.#context = context
    this.#ledger = ledger
    this.#child = fork(PROGRAM, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (report: CallersReport) => this.#note(report))
    this.#child.on('exit', () => {
      this.#exitedAt = now()
    })
    context.defer(async () => this.#end())
  }

  /** Resolves once some writes have succeeded. */
  static async start(context: ChaosContext, options: CallersOptions): Promise<Callers> {
    const { name, nodes, ledger, load = {}, manager = {} } = options
    const callers = new Callers(context, ledger)
    const urls = nodes.map((node) => node.url())
    callers.#tell({ type: 'start', settings: { name, orm: context.orm, urls, load, manager } })
    await context.until(() => callers.#ready, `${name} is ready`)
    if (load.writesPerSecond !== 0) await callers.writes(5)
    return callers
  }

  /** Waits for some more successful writes. */
  async writes(count: number, withinMs?: number): Promise<void> {
    const from = now()
    await this.#context.until(
      () => this.succeeded('write', from).length >= count,
      `${count} writes of another process have succeeded`,
      withinMs,
    )
  }

  /** Sends a signal to the process: SIGSTOP and SIGCONT, above all. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Has the manager closed, whatever is in flight, and waits for the process to end by itself. */
  async stop(drainTimeoutMs = 2000): Promise<CallersEnd> {
    this.#tell({ type: 'stop', drainTimeoutMs })
    await this.#context.until(() => this.#closed !== undefined, 'the manager is closed')
    const closedAt = now()
    await this.#context
      .until(() => this.#exitedAt !== undefined, 'the process has ended', END_MS)
      .catch((error: Error) => this.#context.expect(false, error.message))
    return {
      closeMs: this.#closed?.closeMs ?? Number.NaN,
      exitMs: Math.max(0, (this.#exitedAt ?? Number.NaN) - closedAt),
      crashes: this.#closed?.crashes ?? Number.NaN,
    }
  }

  #note(report: CallersReport): void {
    switch (report.type) {
      case 'ready':
        this.#ready = true
        break
      case 'closed':
        this.#closed = report
        break
      case 'event':
        this.recorder.add(report.recorded)
        break
      case 'operation': {
        const { operation } = report
        this.add(operation)
        if (operation.id === undefined) break
        if (operation.failure === undefined) this.#ledger.acknowledged(operation.id)
        else this.#ledger.rejected(operation.id, operation.failure)
      }
    }
  }

  #tell(command: CallersCommand): void {
    this.#child.send(command)
  }

  async #end(): Promise<void> {
    if (this.#exitedAt !== undefined) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
