import { eventually } from '../eventually.js'
import type { ServerProcess } from './server-process.js'
import { startOnPort } from './start-on-port.js'

/** What has become of a node. */
export type NodeChange = 'started' | 'stopped' | 'promoted'

/** One database server on 127.0.0.1, of whatever product, that a test may stop, crash and freeze. */
export abstract class ServerNode {
  readonly name: string
  readonly host = '127.0.0.1'
  #port = 0
  #server: ServerProcess | undefined

  constructor(name: string) {
    this.name = name
  }

  /** Stays the same over restarts and rebuilds. */
  get port(): number {
    return this.#port
  }

  /** The server's process, of several the first; undefined while the server is down. */
  get pid(): number | undefined {
    return this.running ? this.#server?.pid : undefined
  }

  /** True from a start to the exit of the process; a frozen server is running. */
  get running(): boolean {
    return this.#server?.running ?? false
  }

  get frozen(): boolean {
    return this.#server?.frozen ?? false
  }

  /** The last lines the server logged; empty before the first start. */
  get log(): string {
    return this.#server?.log ?? ''
  }

  /** Kills every process of the server at once, as the death of the machine would. */
  async crash(): Promise<void> {
    const server = this.#server
    if (server === undefined || !server.running) return
    await server.kill()
    await this.changed('stopped')
  }

  /** Stops every process of the server without closing anything: connections stay open, and nothing answers. */
  async freeze(): Promise<void> {
    if (!this.running) throw new Error(`${this.name} is not running, so it cannot be frozen`)
    await this.#server?.freeze()
  }

  /** Lets a frozen server go on. */
  async thaw(): Promise<void> {
    await this.#server?.thaw()
  }

  /** Called after each change, before the call that has made it resolves. */
  protected abstract changed(change: NodeChange): Promise<void>

  /** Starts a server that is down, on the port that it had before, or on a free one. */
  protected async launch(start: (port: number) => Promise<ServerProcess>): Promise<void> {
    const { port, server } = await startOnPort(this.#port, start)
    this.#server = server
    this.#port = port
    await this.changed('started')
  }

  /**
   * Has the server shut down by a signal, and waits for its end. A frozen server is thawed for it.
   *
   * @param how what the signal asks for, for the message of the error
   * @throws if the server has not ended within `withinMs`; it has been killed then
   */
  protected async shutDown(signal: NodeJS.Signals, withinMs: number, how = ''): Promise<void> {
    const server = this.#server
    if (server === undefined || !server.running) return
    if (!(await server.shutDown(signal, withinMs))) {
      await this.crash()
      throw new Error(`${this.name} did not stop${how} within ${withinMs} ms\n${server.log}`)
    }
    await this.changed('stopped')
  }

  /** Waits for a condition. @param failure what the error says if it does not come true, after the node's name */
  protected until(failure: string, condition: () => Promise<boolean>): Promise<void> {
    return eventually(condition, () => `${this.name} ${failure}\n${this.log}\n`)
  }
}
