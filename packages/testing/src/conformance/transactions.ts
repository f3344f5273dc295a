/// <reference types="jest" />
import { rejection } from './harness.js'
import type { Suite } from './suite.js'

/** How connections are cleaned between borrowers, and transactions. */
export function describeTransactions<C extends object>(suite: Suite<C>): void {
  if (suite.has('transactions')) {
    describe('transactions', () => {
      test('begin opens one, and commit keeps what was written', async () => {
        const { connection } = await suite.open()
        const before = await suite.harness.countRows()
        await suite.driver.transactions?.begin(connection, {})
        expect(suite.driver.inspect(connection)).toBe('transaction')
        await suite.harness.query(connection, suite.harness.statements.insert)
        expect(await suite.harness.countRows()).toBe(before)
        await suite.driver.transactions?.commit(connection)
        expect(suite.driver.inspect(connection)).toBe('clean')
        expect(await suite.harness.countRows()).toBe(before + 1)
      })

      test('rollback undoes what was written', async () => {
        const { connection } = await suite.open()
        const before = await suite.harness.countRows()
        await suite.driver.transactions?.begin(connection, { isolation: 'serializable' })
        await suite.harness.query(connection, suite.harness.statements.insert)
        await suite.driver.transactions?.rollback(connection)
        expect(suite.driver.inspect(connection)).toBe('clean')
        expect(await suite.harness.countRows()).toBe(before)
      })

      test('a failed statement leaves the transaction open until the rollback', async () => {
        const { connection } = await suite.open()
        await suite.driver.transactions?.begin(connection, {})
        await rejection(suite.harness.query(connection, suite.harness.statements.wrong))
        // An error may arrive before the server says that it is ready again.
        await suite.driver.activity?.settle(connection)
        expect(suite.driver.inspect(connection)).toBe('transaction')
        await suite.driver.transactions?.rollback(connection)
        expect(suite.driver.inspect(connection)).toBe('clean')
        await suite.harness.query(connection, suite.harness.statements.read)
      })

      test('a read-only transaction refuses writes with a failure of the kind read-only', async () => {
        const { connection } = await suite.open()
        const before = await suite.harness.countRows()
        await suite.driver.transactions?.begin(connection, { readOnly: true })
        expect(
          await suite.kindOf(suite.harness.query(connection, suite.harness.statements.insert)),
        ).toBe('read-only')
        await suite.driver.transactions?.rollback(connection)
        expect(await suite.harness.countRows()).toBe(before)
        await suite.driver.transactions?.begin(connection, {})
        await suite.harness.query(connection, suite.harness.statements.insert)
        await suite.driver.transactions?.commit(connection)
        expect(await suite.harness.countRows()).toBe(before + 1)
      })
    })
  }

  if (suite.has('session')) {
    test.each(['reset-all', 'discard-all'] as const)(
      'reset with %s undoes the settings of the session',
      async (policy) => {
        const { connection } = await suite.open()
        await suite.harness.query(connection, suite.harness.statements.set)
        expect(await suite.harness.hasSetting(connection)).toBe(true)
        await suite.driver.session?.reset(connection, policy)
        expect(await suite.harness.hasSetting(connection)).toBe(false)
        expect(suite.driver.inspect(connection)).toBe('clean')
      },
    )
  }
}
