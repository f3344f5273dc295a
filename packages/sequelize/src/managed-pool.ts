import type { ConnectionManager, Lease, Target } from '@connmgr/core'
import type { FunctionReference } from '@connmgr/core/driver'
import type { Sequelize } from 'sequelize'
import { acquireError } from './errors.js'
import type { PoolOfSequelize } from './sequelize-internals.js'

/** A connection as Sequelize has it: what it notes on it is not the next borrower's. */
interface Lent {
  /** The transaction that it is for. */
  uuid?: string
  /** Set by Sequelize after errors that it takes for the end of the connection. */
  _invalid?: boolean
}

/** The pool of a manager, with the face of the one in Sequelize 6. */
export class ManagedSequelizePool implements PoolOfSequelize {
  readonly #sequelize: Sequelize
  readonly #manager: ConnectionManager<object>
  readonly #readTarget: Target
  readonly #leases = new WeakMap<object, Lease<object>>()

  /** @param readTarget where selects go that do not ask for `useMaster` */
  constructor(sequelize: Sequelize, manager: ConnectionManager<object>, readTarget: Target) {
    this.#sequelize = sequelize
    this.#manager = manager
    this.#readTarget = readTarget
  }

  get size(): number {
    return this.#manager.getCounts('primary').total
  }

  get available(): number {
    return this.#manager.getCounts('primary').idle
  }

  get using(): number {
    return this.#manager.getCounts('primary').inUse
  }

  get waiting(): number {
    return this.#manager.getCounts('primary').waiting
  }

  async acquire(type?: string, useMaster = false): Promise<object> {
    const target = type === 'SELECT' && !useMaster ? this.#readTarget : 'primary'
    let lease: Lease<object>
    try {
      lease = await this.#manager.lend({ target }, this.acquire as FunctionReference)
    } catch (error) {
      throw acquireError(this.#sequelize, error)
    }
    const lent: Lent = Object.create(lease.connection, {
      uuid: { value: undefined, writable: true },
      _invalid: { value: undefined, writable: true },
    })
    this.#leases.set(lent, lease)
    return lent
  }

  release(connection: Lent): void {
    const lease = this.#leases.get(connection)
    if (connection._invalid === true) lease?.destroy()
    else lease?.release()
  }

  async destroy(connection: object): Promise<void> {
    this.#leases.get(connection)?.destroy()
  }

  /** Lends nothing any more, waits for what was lent, and closes. */
  drain(): Promise<void> {
    return this.#manager.close()
  }

  destroyAllNow(): Promise<void> {
    return this.#manager.close({ drainTimeoutMs: 0 })
  }
}
