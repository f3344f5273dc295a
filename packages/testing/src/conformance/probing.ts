/// <reference types="jest" />
import type { Endpoint } from '@connmgr/core'
import { eventually } from '../eventually.js'
import { rejection } from './harness.js'
import type { Suite } from './suite.js'

/** The probes that the health monitor asks. */
export function describeProbing<C extends object>(suite: Suite<C>): void {
  describe('probes', () => {
    const quiet = () => ({ signal: new AbortController().signal, onSignal: () => {} })
    const openProbe = (endpoint: Endpoint, context = quiet()) => {
      if (suite.driver.replication === undefined) throw new Error('the driver has no replication')
      return suite.driver.replication.openProbe(endpoint, context)
    }

    test('answers again and again who the server is', async () => {
      const probe = await openProbe(suite.harness.endpoint)
      try {
        const first = await probe.check(new AbortController().signal)
        expect(first).toMatchObject({ role: 'primary', writable: true })
        const second = await probe.check(new AbortController().signal)
        expect(second.server).toBe(first.server)
        expect(second.startedAt).toBe(first.startedAt)
      } finally {
        probe.destroy()
      }
    })

    test('destroy can be called twice, and then nothing is answered', async () => {
      const probe = await openProbe(suite.harness.endpoint)
      probe.destroy()
      probe.destroy()
      await rejection(probe.check(new AbortController().signal))
    })

    test('a refused probe is unreachable', async () => {
      expect(await suite.kindOf(openProbe(suite.harness.refused))).toBe('unreachable')
    })

    test('an aborted attempt to open one rejects and closes its socket', async () => {
      const abort = new AbortController()
      const { endpoint, connections } = suite.silent
      const opening = rejection(openProbe(endpoint, { ...quiet(), signal: abort.signal }))
      await eventually(() => connections() === 1)
      abort.abort(new Error('deadline'))
      await opening
      await eventually(() => connections() === 0)
    })

    test('an aborted check rejects', async () => {
      const probe = await openProbe(suite.harness.endpoint)
      try {
        await rejection(probe.check(AbortSignal.abort(new Error('deadline'))))
      } finally {
        probe.destroy()
      }
    })
  })
}
