import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { LeaseFence } from '@connmgr/core/driver'
import type { ClientInternals } from './client-internals.js'
import { textOf } from './given-query.js'

type AnyFunction = (...args: unknown[]) => unknown
export type StatementConnection = EventEmitter & { readonly stream: Socket } & Record<
    PropertyKey,
    unknown
  >

/** What another package gives a client to run: a cursor, a stream, a COPY. It speaks to the server by itself. */
export interface Submittable {
  submit: (connection: unknown) => unknown
  readonly writableEnded?: boolean
  readonly destroyed?: boolean
}

const FENCES = new WeakMap<Submittable, LeaseFence>()
const FOLLOWED = new WeakSet<Submittable>()
/** By these the server learns that the statement is over, and answers that it is ready for the next. */
const ENDS: ReadonlySet<PropertyKey> = new Set(['sync', 'query'])
/** By these a COPY from the client comes to its end. */
const ENDS_COPY: ReadonlySet<PropertyKey> = new Set(['endCopyFrom', 'sendCopyFail'])
/** Send something to the server. */
const SENDS: ReadonlySet<PropertyKey> = new Set([
  'bind',
  'close',
  'describe',
  'end',
  'endCopyFrom',
  'execute',
  'flush',
  'parse',
  'query',
  'sendCopyFail',
  'sendCopyFromChunk',
  'sync',
])

export function isSubmittable(query: unknown): query is Submittable {
  return typeof (query as Partial<Submittable> | null | undefined)?.submit === 'function'
}

/** Has a statement that speaks to the server by itself be refused once the lease that has sent it has ended. */
export function fenceStatement(query: unknown, fence: LeaseFence): void {
  if (isSubmittable(query)) FENCES.set(query, fence)
}

/**
 * The statements of one client that speak to the server by themselves. They are given a connection of their own to look
 * at, which tells here whether the server waits for them, refuses after their lease, and answers when the connection has
 * gone: pg-cursor, for one, waits for the server to be ready before it says that it is closed.
 */
export class OpenStatements {
  /** Called when the statement that runs has come to wait for its client. */
  onWaiting: (() => void) | undefined
  #connection: StatementConnection | undefined
  #gone = false
  #current: Submittable | undefined
  /** How often the server was sent the end of the current statement. */
  #ends = 0
  #copiesIn = false
  /** Wait for the server to be ready. */
  readonly #waiting = new Set<() => void>()
  readonly #internals: ClientInternals

  constructor(internals: ClientInternals) {
    this.#internals = internals
  }

  /** To be called before a statement is handed to the client. */
  follow(query: Submittable, connection: StatementConnection): void {
    if (FOLLOWED.has(query)) return
    FOLLOWED.add(query)
    this.#install(connection)
    const { submit } = query
    query.submit = (given) => {
      query.submit = submit
      this.#current = query
      this.#ends = 0
      this.#copiesIn = false
      const result = submit.call(query, given === connection ? this.#viewOf(query) : given)
      if (this.waits(query)) this.onWaiting?.()
      return result
    }
  }

  /** Whether the statement that runs gets no further without its client: a cursor between two reads, a COPY without data. */
  waits(active: unknown): boolean {
    const current = this.#current
    if (current === undefined || active !== current) return false
    if (this.#copiesIn) return current.writableEnded !== true && current.destroyed !== true
    return this.#ends === 0 || this.#connection?.stream.isPaused() === true
  }

  #install(connection: StatementConnection): void {
    if (this.#connection !== undefined) return
    this.#connection = connection
    const copies = (): void => {
      this.#copiesIn = true
      if (this.#current !== undefined && this.waits(this.#current)) this.onWaiting?.()
    }
    connection.on('copyInResponse', copies)
    connection.on('copyBothResponse', copies)
    connection.once('end', () => {
      this.#gone = true
      for (const answer of this.#waiting) process.nextTick(answer)
      this.#waiting.clear()
    })
  }

  /** The connection as a statement sees it. */
  #viewOf(query: Submittable): StatementConnection {
    const fence = FENCES.get(query)
    const view: StatementConnection = new Proxy(this.#connection as StatementConnection, {
      get: (connection, property) => {
        const value = Reflect.get(connection, property, connection)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          if (SENDS.has(property)) this.#sends(query, property, fence)
          else if (property === 'once' && args[0] === 'readyForQuery')
            return this.#awaitReady(args[1] as () => void, view)
          const result = Reflect.apply(value as AnyFunction, connection, args)
          return result === connection ? view : result
        }
      },
    })
    return view
  }

  #sends(query: Submittable, method: PropertyKey, fence: LeaseFence | undefined): void {
    // At the loss of the connection it may say goodbye, which reaches the server no more.
    if (fence?.active === false && !this.#isRunning(query)) throw fence.refuse(textOf(query))
    if (query !== this.#current) return
    if (ENDS.has(method)) this.#ends += 1
    else if (ENDS_COPY.has(method)) this.#copiesIn = false
  }

  /** Whether what it sends can reach no other borrower. */
  #isRunning(query: Submittable): boolean {
    if (this.#gone || this.#connection?.stream.destroyed === true) return true
    // It had been handed over before the lease ended, and its connection is not lent on before it is over.
    return this.#internals._activeQuery === (query as unknown)
  }

  #awaitReady(answer: () => void, view: StatementConnection): StatementConnection {
    // A cursor that has failed asks the server for nothing more, and would wait for the end of another's statement.
    if (this.#gone || this.#internals.readyForQuery === true) process.nextTick(answer)
    else {
      this.#waiting.add(answer)
      this.#connection?.once('readyForQuery', () => {
        if (this.#waiting.delete(answer)) answer()
      })
    }
    return view
  }
}
