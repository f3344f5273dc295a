/// <reference types="jest" />
import { types } from 'node:util'
import type { FailureKind } from '@connmgr/core/driver'
import { eventually } from '../eventually.js'
import { rejection } from './harness.js'
import type { Suite } from './suite.js'

const KINDS: readonly FailureKind[] = [
  'lost',
  'unreachable',
  'starting',
  'busy',
  'setup',
  'shutdown',
  'read-only',
  'serialization',
  'statement',
]

/** How connections end by us, idle and in the middle of something. */
export function describeEnding<C extends object>(suite: Suite<C>): void {
  describe('close and destroy', () => {
    test('close ends the session, and the connection is broken then', async () => {
      const { connection, signals } = await suite.open()
      await suite.driver.close(connection)
      await eventually(async () => (await suite.harness.countSessions()) === 0)
      expect(suite.driver.inspect(connection)).toBe('broken')
      expect(signals).toEqual([])
    })

    test('destroy ends the session at once, as often as it is called', async () => {
      const { connection, signals } = await suite.open()
      suite.driver.destroy(connection)
      suite.driver.destroy(connection)
      expect(suite.driver.inspect(connection)).toBe('broken')
      await eventually(async () => (await suite.harness.countSessions()) === 0)
      suite.driver.destroy(connection)
      expect(signals).toEqual([])
    })

    test('destroy of a busy connection fails its statement as lost and ends it on the server', async () => {
      const { connection } = await suite.open()
      const endless = suite.kindOf(
        suite.harness.query(connection, suite.harness.statements.endless),
      )
      suite.driver.destroy(connection)
      expect(await endless).toBe('lost')
      await eventually(async () => (await suite.harness.countSessions()) === 0)
    })

    test('nothing throws on a connection that has been closed', async () => {
      const { connection } = await suite.open()
      await suite.driver.close(connection)
      suite.driver.destroy(connection)
      await suite.driver.close(connection)
      await rejection(suite.driver.validate(connection))
    })
  })

  test('classify has an answer to anything', () => {
    for (const odd of [undefined, null, 'text', 7, {}, new Error('odd'), { code: 42 }]) {
      expect(KINDS).toContain(suite.driver.classify(odd))
    }
  })
}

/** How connections end by the network. */
export function describeCuts<C extends object>(suite: Suite<C>): void {
  describe('a connection that is cut', () => {
    test('signals lost without being asked, and is broken', async () => {
      const { connection, signals } = await suite.open()
      await suite.cut(connection)
      await eventually(() => signals.length > 0)
      expect(signals[0]?.kind).toBe('lost')
      expect(types.isNativeError(signals[0]?.error)).toBe(true)
      expect(suite.driver.inspect(connection)).toBe('broken')
      await rejection(suite.driver.validate(connection))
    })

    test('fails the statement under way as lost', async () => {
      const { connection, signals } = await suite.open()
      const endless = suite.kindOf(
        suite.harness.query(connection, suite.harness.statements.endless),
      )
      await suite.cut(connection)
      expect(await endless).toBe('lost')
      await eventually(() => signals.length > 0)
      // The server may not notice while the statement runs; destroying has to see to that.
      suite.driver.destroy(connection)
    })

    test('can be closed and destroyed', async () => {
      const { connection, signals } = await suite.open()
      await suite.cut(connection)
      await eventually(() => signals.length > 0)
      await suite.driver.close(connection).catch((error: unknown) => {
        expect(types.isNativeError(error)).toBe(true)
      })
      suite.driver.destroy(connection)
    })
  })
}
