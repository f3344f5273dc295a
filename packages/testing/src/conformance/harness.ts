import { types } from 'node:util'
import type { Endpoint } from '@connmgr/core'
import type { ConnectionSignal, Driver } from '@connmgr/core/driver'

/** What a driver's package supplies so that {@link describeDriver} can test the driver on a real database. */
export interface DriverHarness<C extends object> {
  readonly driver: Driver<C>
  /** A writable primary. */
  readonly endpoint: Endpoint
  /** An address where no server listens. */
  readonly refused: Endpoint
  /** The same server with credentials it rejects. */
  readonly denied: Endpoint
  /** An address that accepts connections and never answers, and how many it has open. */
  readonly silent?: { readonly endpoint: Endpoint; connections(): number }
  readonly statements: {
    /** Reads something cheap. */
    readonly read: string
    /** The same with one value as parameter. */
    readonly readValue: string
    /** Runs for about half a second. */
    readonly slow: string
    /** Runs for a minute at least. */
    readonly endless: string
    /** Is an error whatever the state. */
    readonly wrong: string
    /** Inserts one row. */
    readonly insert: string
    /** Changes a setting of the session that {@link DriverHarness.hasSetting} looks at. */
    readonly set: string
  }
  query(connection: C, text: string, values?: readonly unknown[]): Promise<unknown>
  /** Committed rows that `insert` has made, as others see them. */
  countRows(): Promise<number>
  hasSetting(connection: C): Promise<boolean>
  /** Sessions that this driver has open on the server, as the server sees it. */
  countSessions(): Promise<number>
  /** Breaks the connection at the network, as a reset would: nothing is said first. Of a database without one undefined. */
  cut?(connection: C): void | Promise<void>
  close(): Promise<void>
}

/** Groups of capabilities that a driver may lack. */
export type Capability = 'transactions' | 'session' | 'statements' | 'replication' | 'activity'

/** A connection with the signals it has sent. */
export interface Opened<C> {
  readonly connection: C
  readonly signals: ConnectionSignal[]
}

/** The error of a promise that must reject. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    // Errors that Node itself makes are of another realm than a jest test, and some libraries make theirs by hand.
    if (types.isNativeError(error) || error instanceof Error) return error
    throw new Error(`rejected with something that is no error: ${String(error)}`)
  }
  throw new Error('resolved, but had to reject')
}
