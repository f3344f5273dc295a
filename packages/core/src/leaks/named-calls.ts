import { systemClock } from '../time/clock.js'
import { CaptureBudget } from './capture-budget.js'
import { currentContext, type NotedOrigin, runWithContext } from './context.js'
import { captureStack, type FunctionReference, isCalledByUser } from './stack.js'

type Method<T> = (this: T, ...args: unknown[]) => unknown

/** Beyond the budget: the line is not known, and that of the code that awaits the call would be another. */
const UNREAD: NotedOrigin = { stack: undefined, exact: true }

const NAMED = Symbol.for('@connmgr/core named call')

const budget = new CaptureBudget(systemClock)

/** A call is running that has noted where it was made: what it calls before it returns is its own. */
let calling = false

/**
 * Has the statements that methods begin count for the line that calls the method, wherever that is awaited: for libraries
 * that begin them in a later turn, whose stack reaches the code that awaits the promise, and not a function that has returned
 * it. A method that another one of the library calls counts for the line of the outer one. Costs a call of `isWatched` while
 * that is false.
 *
 * @param holder what has the methods as its own properties, such as the prototype of a class
 * @param names methods that it does not have are passed over: versions of a library differ
 * @param isWatched whether statements of that object are observed
 */
export function nameCalls<T extends object>(
  holder: T,
  names: readonly string[],
  isWatched: (self: T) => boolean,
): void {
  for (const name of names) {
    const described = Object.getOwnPropertyDescriptor(holder, name)
    const method: unknown = described?.value
    if (typeof method !== 'function' || NAMED in method) continue
    const run = method as Method<T>
    const named: Method<T> = function (...args) {
      if (calling || !isWatched(this)) return run.apply(this, args)
      const origin = originOf(named as FunctionReference)
      if (origin === undefined) return run.apply(this, args)
      calling = true
      try {
        return runWithContext({ origin }, () => run.apply(this, args))
      } finally {
        calling = false
      }
    }
    Object.defineProperties(named, {
      name: { value: method.name, configurable: true },
      length: { value: method.length, configurable: true },
      [NAMED]: { value: true },
    })
    Object.defineProperty(holder, name, { ...described, value: named })
  }
}

/** Undefined if what is noted already holds: the library calls itself. */
function originOf(below: FunctionReference): NotedOrigin | undefined {
  const isInner = currentContext()?.origin?.exact === true
  // Code of the user that the library calls, such as a subscriber, has lines of its own.
  if (isInner && !isCalledByUser(below)) return undefined
  const now = systemClock.now()
  if (!budget.sample(now) && !budget.takeExtra(now)) return UNREAD
  const stack = budget.timed(() => captureStack(below))
  return { stack, exact: true }
}
