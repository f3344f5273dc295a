import { AsyncLocalStorage } from 'node:async_hooks'
import { type CapturedStack, captureStack, type FunctionReference } from './stack.js'

/** What an acquire inherits from the asynchronous flow it happens in. */
export interface LeaseContext {
  /** Shown in leak reports and in the list of holders. */
  readonly label?: string
  /** Where the flow began, for libraries whose own stack no longer reaches the caller. */
  readonly origin?: CapturedStack
}

// Made on first use: a process that never asks for contexts pays nothing for asynchronous tracking.
let storage: AsyncLocalStorage<LeaseContext> | undefined

/**
 * Runs `work` so that every connection it acquires carries `context`.
 *
 * @example
 * await runWithContext({ label: 'nightly report' }, () => buildReport())
 */
export function runWithContext<T>(context: LeaseContext, work: () => T): T {
  storage ??= new AsyncLocalStorage()
  return storage.run({ ...storage.getStore(), ...context }, work)
}

/**
 * Runs `work` so that leases acquired in it are reported as acquired by the caller of `below`. For adapters of
 * libraries that acquire connections far from the user's call.
 */
export function runWithOrigin<T>(below: FunctionReference, work: () => T): T {
  return runWithContext({ origin: captureStack(below) }, work)
}

/** The context of the running flow, if it has one. */
export function currentContext(): LeaseContext | undefined {
  return storage?.getStore()
}
