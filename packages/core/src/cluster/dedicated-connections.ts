import type { ConnectionSignal, Driver } from '../driver/contract.js'
import { DedicatedConnection, type DedicatedContext } from '../driver/dedicated.js'
import { messageOf } from '../errors.js'
import type { Monitoring } from '../health/monitoring.js'
import type { Runtime } from '../runtime.js'
import type { Cluster } from './cluster.js'

export interface DedicatedConnectionsParts<C extends object> {
  readonly cluster: Cluster<C>
  readonly driver: Driver<C>
  readonly monitoring: Monitoring<C>
}

/** Connections to the writer that no pool knows of. */
export class DedicatedConnections<C extends object> {
  readonly #runtime: Runtime
  readonly #times: Omit<DedicatedContext<C>, 'deadlines' | 'driver'>
  readonly #parts: DedicatedConnectionsParts<C>
  readonly #open = new Set<DedicatedConnection<C>>()

  constructor(
    runtime: Runtime,
    times: Omit<DedicatedContext<C>, 'deadlines' | 'driver'>,
    parts: DedicatedConnectionsParts<C>,
  ) {
    this.#runtime = runtime
    this.#times = times
    this.#parts = parts
  }

  /** Whether one is open. */
  get any(): boolean {
    for (const each of this.#open)
      if (this.#parts.driver.inspect(each.connection) === 'broken') this.#open.delete(each)
    return this.#open.size > 0
  }

  /**
   * Opens one; undefined while there is no writer. What it signals counts as trouble of its endpoint, like that of any other
   * connection.
   */
  async open(
    onSignal: (signal: ConnectionSignal) => void,
    abort: AbortSignal,
  ): Promise<DedicatedConnection<C> | undefined> {
    const { cluster, driver, monitoring } = this.#parts
    const { connectTimeoutMs, validateTimeoutMs, closeTimeoutMs } = this.#times
    await monitoring.wake()
    const { writer } = cluster
    if (writer === undefined) return undefined
    const signalled = (signal: ConnectionSignal): void => {
      onSignal(signal)
      cluster.trouble(writer, signal.kind, messageOf(signal.error))
    }
    const opened = await DedicatedConnection.open(writer.endpoint, signalled, abort, {
      driver,
      deadlines: this.#runtime.deadlines,
      connectTimeoutMs,
      validateTimeoutMs,
      closeTimeoutMs,
    })
    this.#open.add(opened)
    return opened
  }
}
