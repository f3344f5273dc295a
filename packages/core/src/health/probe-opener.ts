import { askOver } from '../driver/ask-over.js'
import type { ConnectContext, Driver, Endpoint } from '../driver/contract.js'
import type { Probe } from '../driver/replication.js'
import type { StandIn } from './endpoint-prober.js'

/** Opens connections for the probes of one endpoint: over its pool while the server is short of them. */
export class ProbeOpener<C extends object> {
  readonly #driver: Driver<C>
  readonly #endpoint: Endpoint
  readonly #standIn: StandIn | undefined

  constructor(driver: Driver<C>, endpoint: Endpoint, standIn: StandIn | undefined) {
    this.#driver = driver
    this.#endpoint = endpoint
    this.#standIn = standIn
  }

  open(context: ConnectContext): Promise<Probe> {
    const openOwn = (): Promise<Probe> =>
      this.#driver.replication?.openProbe(this.#endpoint, context) ?? this.#plainProbe(context)
    return this.#standIn === undefined ? openOwn() : this.#standIn.open(openOwn, context.signal)
  }

  /** For drivers without a probe of their own: an ordinary connection that is validated. */
  async #plainProbe(context: ConnectContext): Promise<Probe> {
    const driver = this.#driver
    const connection = await driver.connect(this.#endpoint, context)
    return {
      check: () => askOver(driver, this.#endpoint, connection),
      destroy: () => driver.destroy(connection),
    }
  }
}
