import assert from 'node:assert/strict'
import type { PgConnectionManager } from '@connmgr/pg'

/** Compiles if both types are one. */
export function sameType<A, B>(
  ..._proof: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]
): void {}

/** What every manager of the programs is made with. */
export const WATCHFUL = {
  logger: false,
  poolSize: 2,
  maxOverflow: 0,
  leakDetection: { thresholdMs: 100, captureStack: 'always' },
} as const

/** Runs what forgets a connection, and checks that the leak is named by the function that forgot it. */
export async function expectNamedLeak(
  manager: PgConnectionManager,
  forget: () => Promise<() => unknown>,
): Promise<void> {
  const detected = new Promise<void>((resolve) => {
    manager.on('leakDetected', () => resolve())
  })
  const giveBack = await forget()
  await detected
  const [leak] = manager.detectLeaks()
  assert.match(leak?.checkedOutBy ?? 'no caller', /forgetful/)
  await giveBack()
}

/** No connection is out, and the manager has its figures right. */
export function expectAllReturned(manager: PgConnectionManager): void {
  const { checkedOut, waiting, totalCheckouts } = manager.getPoolMetrics()
  assert.deepEqual({ checkedOut, waiting }, { checkedOut: 0, waiting: 0 })
  assert(totalCheckouts > 0)
}
