import { Databases } from './databases.js'
import { describeOwnership } from './describe-ownership.js'
import { describeStatements } from './describe-statements.js'
import { describeTransactions } from './describe-transactions.js'
import type { Harness } from './harness.js'

/** The tests that a managed database of drizzle passes, whatever is below it. */
export function describeDatabase<Manager>(
  describeIt: (name: string, tests: () => void) => void,
  name: string,
  harness: Harness<Manager>,
): void {
  describeIt(name, () => {
    const databases = new Databases(harness)
    beforeAll(() => harness.start())
    afterEach(() => databases.close())
    afterAll(() => harness.stop())

    describeStatements(databases)
    describeTransactions(databases)
    describeOwnership(databases)
  })
}
