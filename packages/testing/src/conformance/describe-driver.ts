/// <reference types="jest" />
import { describeConnecting } from './connecting.js'
import { describeCuts, describeEnding } from './ending.js'
import type { Capability, DriverHarness } from './harness.js'
import { describeProbing } from './probing.js'
import { Suite } from './suite.js'
import { describeTransactions } from './transactions.js'

/**
 * Tests that a driver keeps its contract. Every driver package calls this with a real database.
 *
 * @param setup called once; its `close` is called at the end
 * @param options.without groups of capabilities that this driver does not have
 * @param options.network false for a database that is a file, whose connections come about at once, and cannot be cut. `@default` true
 *
 * @example
 * describeDriver('postgresql', () => startPostgresHarness())
 */
export function describeDriver<C extends object>(
  name: string,
  setup: () => Promise<DriverHarness<C>>,
  options: { readonly without?: readonly Capability[]; readonly network?: boolean } = {},
): void {
  describe(`driver conformance: ${name}`, () => {
    const suite = new Suite(setup, options.without ?? [], options.network ?? true)
    if (suite.without.length > 0) {
      test(`has no ${suite.without.join(', ')}`, () => {
        for (const group of suite.without) expect(suite.driver[group]).toBeUndefined()
      })
    }
    describeConnecting(suite)
    describeTransactions(suite)
    describeEnding(suite)
    if (suite.network) describeCuts(suite)
    if (suite.has('replication')) describeProbing(suite)
  })
}
