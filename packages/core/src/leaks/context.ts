import { Scope } from '../flow/scope.js'
import { type CapturedStack, captureStack, type FunctionReference } from './stack.js'

/** What an acquire inherits from the asynchronous flow it happens in. */
export interface LeaseContext {
  /** Shown in leak reports and in the list of holders. */
  readonly label?: string
  /** As the option of `acquire`, for libraries that acquire by themselves. */
  readonly longLived?: boolean
  /** As the option of `acquire`: what `onAcquire` is handed. */
  readonly context?: unknown
  /** Where the flow began, for libraries whose own stack no longer reaches the caller. */
  readonly origin?: NotedOrigin
}

/** Where a statement was called for, as an adapter has noted it. */
export interface NotedOrigin {
  /** Undefined if it was not captured. */
  readonly stack: CapturedStack | undefined
  /** It is the statement's own line, so that the stack of the call that sends it says less, also if it was not captured. */
  readonly exact: boolean
}

const contexts = new Scope<LeaseContext>()

/**
 * Runs `work` so that every connection it acquires carries `context`, until the promise that it returns has settled: what
 * it leaves behind, such as a timer, is not labelled by it.
 *
 * @example
 * await runWithContext({ label: 'nightly report' }, () => buildReport())
 */
export function runWithContext<T>(context: LeaseContext, work: () => T): T {
  return contexts.run({ ...contexts.current, ...context }, work)
}

/**
 * Runs `work` so that leases acquired in it are reported as acquired by the caller of `below`. For adapters of
 * libraries that acquire connections far from the user's call.
 */
export function runWithOrigin<T>(below: FunctionReference, work: () => T): T {
  return runWithContext({ origin: { stack: captureStack(below), exact: false } }, work)
}

/** Where the call that is running was made, if its own stack cannot tell. */
let caller: NotedOrigin | undefined

/**
 * Calls `call`; what it calls for before it returns is taken to be called for where `stack` was captured. For libraries
 * that begin their statements in a later turn than the one in which they were written, whose stack reaches no caller.
 *
 * @param exact true if the statement was written there, also where the stack of the call reaches user code, which then
 * is where its result is awaited; `@default` false
 */
export function calledFrom<T>(stack: CapturedStack, call: () => T, exact = false): T {
  const outer = caller
  caller = { stack, exact }
  try {
    return call()
  } finally {
    caller = outer
  }
}

/** Where the running call, or the flow around it, was begun, if an adapter has noted it. */
export function notedOrigin(): NotedOrigin | undefined {
  return caller ?? contexts.current?.origin
}

/** The context of the running flow, if it has one. */
export function currentContext(): LeaseContext | undefined {
  return contexts.current
}
