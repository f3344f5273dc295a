import type { Lease } from '@connmgr/core'
import type { Connection } from 'mysql2'
import { declareProperties, LeasedConnection } from '../leased-connection.js'
import type { Lender } from './pool-query.js'

// By symbols for the reason given at `LeasedConnection`.
const LEASE = Symbol('lease of a borrower')
const LENDER = Symbol('lender of a connection')

/** A connection as a pool hands it out: with what a connection of a pool has that a connection does not, or not so. */
export class PooledConnection extends LeasedConnection {
  static {
    declareProperties(PooledConnection.prototype, [LEASE, LENDER])
  }

  declare readonly [LEASE]: Lease<Connection>
  declare readonly [LENDER]: Lender

  constructor(lease: Lease<Connection>, lender: Lender) {
    super(lease.entry.connection, lease)
    this[LEASE] = lease
    this[LENDER] = lender
  }

  release(): void {
    const lease = this[LEASE]
    if (lease.active) this[LENDER].takeBack(lease, lease.entry.connection)
    // Reports it.
    else lease.release()
  }

  [Symbol.dispose](): void {
    this.release()
  }

  destroy(): void {
    const lease = this[LEASE]
    this[LENDER].destroy(lease, lease.entry.connection)
  }

  close(): void {
    this.destroy()
  }

  /** mysql2 takes it for a release as well, unless it is asked to close it. */
  end(callback?: () => void): void {
    if (endsGracefully(this[LEASE].entry.connection)) this.destroy()
    else this.release()
    if (typeof callback === 'function') process.nextTick(callback)
  }
}
// It is that of the connection.
delete (PooledConnection.prototype as { constructor?: unknown }).constructor

function endsGracefully(connection: Connection): boolean {
  return (connection.config as { gracefulEnd?: unknown }).gracefulEnd === true
}
