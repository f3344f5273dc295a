import { runWithContext } from '@connmgr/core'
import {
  CaptureBudget,
  type CapturedStack,
  type FunctionReference,
  noteLibraryFile,
  systemClock,
} from '@connmgr/core/driver'

/** Whether the statements of the client's manager are watched. */
export type Watching = () => boolean

/** What Prisma runs once its promise is awaited: it begins the request of a model's method, or of a raw query. */
type Begin = (transaction?: unknown) => unknown

/** What Prisma keeps of a call of a model's method. */
interface Request {
  /** Has the stack of the call, for error messages, unless the client's errors are `minimal`. */
  readonly callsite?: { readonly _error?: CapturedStack }
}

/** What the clients of Prisma 6 and 7 have beyond their declared surface. */
interface Internals {
  /** Makes the promise that each call of a method returns, within that call. */
  _createPrismaPromise?(begin: Begin, ...rest: unknown[]): unknown
  /** Makes the client of an interactive transaction. */
  _createItxClient?(...args: unknown[]): object
  /** Runs a request, extensions of queries first. */
  _request?(request: Request): Promise<unknown>
}

const budget = new CaptureBudget(systemClock)

/** Prisma's runtime, which the generator `prisma-client-js` copies to where it writes the client. */
const RUNTIME = /[\\/]runtime[\\/][a-z-]+\.m?js$/

/** Where the request was written that is being begun. */
let written: CapturedStack | undefined

/**
 * Notes where each request is written, for observers of the manager's statements: Prisma begins it when its promise is
 * awaited, collects some for a moment, such as `findUnique` and all of a transaction, and runs them where no stack reaches
 * the caller. Its own promises are made in the caller's call. Beyond the budget of captures, the stack counts that Prisma
 * has captured for error messages, if it has. Costs a look at the tracer while there is no observer.
 */
export function nameCallers(client: object, watching: Watching): void {
  const promises = new Promises(watching)
  promises.name(client)
  nameTransactions(client, watching, promises)
  const { _request: request } = client as Internals
  if (typeof request !== 'function') return
  define(client, '_request', function run(this: unknown, given: Request) {
    const stack = written ?? given?.callsite?._error
    written = undefined
    if (!watching()) return request.call(this as Internals, given)
    const origin = stack === undefined ? undefined : { stack, exact: false }
    return runWithContext({ origin }, () => request.call(this as Internals, given))
  })
}

/** Captures where the promises of one client are made. */
class Promises {
  readonly #watching: Watching
  #runtimeNoted = false

  constructor(watching: Watching) {
    this.#watching = watching
  }

  name(client: object): void {
    const { _createPrismaPromise: create } = client as Internals
    if (typeof create !== 'function') return
    const make = create.bind(client as Internals)
    const createPromise = (begin: Begin, ...rest: unknown[]): unknown => {
      if (!this.#watching()) return make(begin, ...rest)
      const stack = this.#capture(createPromise)
      return make((transaction) => beginAs(stack, begin, transaction), ...rest)
    }
    define(client, '_createPrismaPromise', createPromise)
  }

  #capture(below: FunctionReference): CapturedStack | undefined {
    if (!this.#runtimeNoted) noteLibraryFile(below, RUNTIME)
    this.#runtimeNoted = true
    return budget.sample(systemClock.now()) ? budget.capture(below) : undefined
  }
}

function beginAs(stack: CapturedStack | undefined, begin: Begin, transaction: unknown): unknown {
  const outer = written
  written = stack
  try {
    return begin(transaction)
  } finally {
    written = outer
  }
}

/**
 * The client of an interactive transaction makes promises by a function of its own, on a view of the client that is shared
 * by all. It gets one that is its own, where that function can be replaced.
 */
function nameTransactions(client: object, watching: Watching, promises: Promises): void {
  const { _createItxClient: create } = client as Internals
  if (typeof create !== 'function') return
  define(client, '_createItxClient', function createTransaction(this: object, ...args: unknown[]) {
    if (!watching()) return create.apply(this as Internals, args)
    const tx = create.apply(Object.create(behind(this) ?? this) as Internals, args)
    const own = behind(tx)
    if (own !== undefined) promises.name(own)
    return tx
  })
}

/** The client without models and extensions that one with them is made of; it is kept under a symbol. */
function behind(client: object): object | undefined {
  for (const key of Reflect.ownKeys(client)) {
    if (typeof key !== 'symbol') continue
    const value: unknown = Reflect.get(client, key)
    if (typeof value === 'object' && value !== null && '_createPrismaPromise' in value) return value
  }
  return undefined
}

function define(client: object, name: keyof Internals, value: unknown): void {
  Object.defineProperty(client, name, {
    configurable: true,
    enumerable: false,
    writable: true,
    value,
  })
}
