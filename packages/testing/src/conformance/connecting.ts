/// <reference types="jest" />
import { eventually } from '../eventually.js'
import { rejection } from './harness.js'
import type { Suite } from './suite.js'

/** How connections come about, and what a driver says of them while they are used. */
export function describeConnecting<C extends object>(suite: Suite<C>): void {
  describe('connect', () => {
    test('gives a connection that works and is clean', async () => {
      const { connection, signals } = await suite.open()
      expect(suite.driver.inspect(connection)).toBe('clean')
      await suite.driver.validate(connection)
      expect(suite.driver.inspect(connection)).toBe('clean')
      expect(await suite.harness.countSessions()).toBe(1)
      expect(signals).toEqual([])
    })

    test('a refused connection is unreachable', async () => {
      expect(await suite.kindOf(suite.open(suite.harness.refused))).toBe('unreachable')
    })

    test('rejected credentials are a matter of setup', async () => {
      expect(await suite.kindOf(suite.open(suite.harness.denied))).toBe('setup')
    })

    if (suite.network) {
      test('an aborted attempt rejects and closes its socket', async () => {
        const abort = new AbortController()
        const { endpoint, connections } = suite.silent
        const connecting = rejection(
          suite.driver.connect(endpoint, { signal: abort.signal, onSignal: () => {} }),
        )
        await eventually(() => connections() === 1)
        abort.abort(new Error('deadline'))
        await connecting
        await eventually(() => connections() === 0)
      })
    }

    test('an attempt that is aborted from the outset rejects and opens nothing', async () => {
      const signal = AbortSignal.abort(new Error('closed'))
      await rejection(suite.driver.connect(suite.harness.endpoint, { signal, onSignal: () => {} }))
      expect(await suite.harness.countSessions()).toBe(0)
    })
  })

  describe('inspect', () => {
    test('a connection is clean after a statement, and after one that failed', async () => {
      const { connection } = await suite.open()
      await suite.harness.query(connection, suite.harness.statements.read)
      expect(suite.driver.inspect(connection)).toBe('clean')
      expect(
        await suite.kindOf(suite.harness.query(connection, suite.harness.statements.wrong)),
      ).toBe('statement')
      // An error may arrive before the server says that it is ready again.
      await suite.driver.activity?.settle(connection)
      expect(suite.driver.inspect(connection)).toBe('clean')
      await suite.driver.validate(connection)
    })

    test('a connection is busy while a statement runs', async () => {
      const { connection } = await suite.open()
      const slow = suite.harness.query(connection, suite.harness.statements.slow)
      expect(suite.driver.inspect(connection)).toBe('busy')
      await slow
      expect(suite.driver.inspect(connection)).toBe('clean')
    })

    if (suite.has('activity')) {
      test('settle resolves when the statement has ended, and at once if there is none', async () => {
        const { connection } = await suite.open()
        const slow = suite.harness.query(connection, suite.harness.statements.slow)
        await suite.driver.activity?.settle(connection)
        expect(suite.driver.inspect(connection)).toBe('clean')
        await slow
        await suite.driver.activity?.settle(connection)
      })

      test('settle resolves when the statement has failed', async () => {
        const { connection } = await suite.open()
        const failing = rejection(suite.harness.query(connection, suite.harness.statements.wrong))
        await suite.driver.activity?.settle(connection)
        expect(suite.driver.inspect(connection)).toBe('clean')
        await failing
      })
    }
  })

  if (suite.has('activity')) {
    describe('activity', () => {
      test('is one object that keeps up with the statements', async () => {
        const { connection } = await suite.open()
        const activity = suite.driver.activity?.of(connection)
        const before = activity?.queryCount ?? Number.NaN
        await suite.harness.query(connection, suite.harness.statements.read)
        await suite.harness.query(connection, suite.harness.statements.readValue, [
          'a secret value',
        ])
        expect(suite.driver.activity?.of(connection)).toBe(activity)
        expect(activity?.queryCount).toBe(before + 2)
        expect(activity?.lastQuery).toBe(suite.harness.statements.readValue)
      })

      test('shows a statement as soon as it is sent, and when it fails', async () => {
        const { connection } = await suite.open()
        const failing = rejection(suite.harness.query(connection, suite.harness.statements.wrong))
        expect(suite.driver.activity?.of(connection).lastQuery).toBe(suite.harness.statements.wrong)
        await failing
        expect(suite.driver.activity?.of(connection).lastQuery).toBe(suite.harness.statements.wrong)
      })
    })
  }

  if (suite.has('replication')) {
    test('a connection to the primary knows its role after validate', async () => {
      const { connection } = await suite.open()
      await suite.driver.validate(connection)
      expect(suite.driver.replication?.role(connection)).toBe('primary')
    })
  }
}
