import type { Lease, ManagerAcquireOptions } from '@connmgr/core'
import { ConnectionLostError } from '@connmgr/core'
import type { FunctionReference } from '@connmgr/core/driver'
import type { Connection } from 'mysql2'
import type { Command } from '../internals.js'

/** The pool as those see it who borrow its connections. */
export interface Lender {
  /** @param again for a request that has had a connection before */
  acquire(
    wanted: ManagerAcquireOptions,
    below: FunctionReference,
    again: boolean,
  ): Promise<Lease<Connection>>
  /** To be called when a lease begins. */
  lend(lease: Lease<Connection>): Connection
  /** Ends the lease. */
  takeBack(lease: Lease<Connection>, connection: Connection): void
  /** Whether it has died. */
  isDead(connection: Connection): boolean
}

/** Of connections that die between being lent and being used; the error of the last one goes to the caller. */
const MOST_ATTEMPTS = 3

/**
 * Runs one command on a connection that is borrowed for it, and gives that back before the caller gets the result: what it
 * asks for next finds it free. If the connection has died in the meantime, so that nothing was sent, another is taken.
 */
export class PoolQuery {
  readonly #lender: Lender
  readonly #wanted: ManagerAcquireOptions
  readonly #below: FunctionReference
  readonly #start: (
    connection: Connection,
    done: (error: unknown, ...results: unknown[]) => void,
  ) => void

  /** @param start sends it, and calls `done` once with how it has ended */
  constructor(
    lender: Lender,
    wanted: ManagerAcquireOptions,
    below: FunctionReference,
    start: (connection: Connection, done: (error: unknown, ...results: unknown[]) => void) => void,
  ) {
    this.#lender = lender
    this.#wanted = wanted
    this.#below = below
    this.#start = start
  }

  run(answer: (error: unknown, ...results: unknown[]) => void, attempt = 1): void {
    this.#lender.acquire(this.#wanted, this.#below, attempt > 1).then(
      (lease) => {
        const more = attempt < MOST_ATTEMPTS
        if (more && this.#lender.isDead(lease.entry.connection)) {
          lease.destroy()
          this.run(answer, attempt + 1)
        } else this.#runOn(lease, answer, more ? attempt + 1 : undefined)
      },
      (error: unknown) => process.nextTick(answer, error),
    )
  }

  #runOn(
    lease: Lease<Connection>,
    answer: (error: unknown, ...results: unknown[]) => void,
    next: number | undefined,
  ): void {
    const connection = this.#lender.lend(lease)
    const done = (error: unknown, ...results: unknown[]): void => {
      this.#lender.takeBack(lease, connection)
      if (next !== undefined && neverSent(error)) this.run(answer, next)
      else answer(error, ...results)
    }
    try {
      this.#start(connection, done)
    } catch (error) {
      process.nextTick(done, error)
    }
  }
}

function neverSent(error: unknown): boolean {
  return error instanceof ConnectionLostError && !error.sent && !error.deliberate
}

/** Has what follows a command wait until the connection is done with it: errors come in the midst of that. */
export function whenDone(
  callback: (error: unknown, ...results: unknown[]) => void,
): NonNullable<Command['onResult']> {
  return (error, ...results) => {
    if (error) process.nextTick(callback, error, ...results)
    else callback(error, ...results)
  }
}
