import { Ledger } from '@connmgr/testing'
import { now } from '../../now.js'
import { measure } from '../measure.js'
import type { Scenario } from '../scenario.js'

const SUSPENDED_MS = 3000

/**
 * A laptop sleeps, a container is paused: when the process goes on, its connections may be long dead and its server may
 * be another one. The first callers must not be the ones to find out.
 */
export const scenario: Scenario = {
  id: 59,
  name: 'the process is suspended and resumed',
  targets: { sameServerMs: 300, otherServerMs: 500 },
  async run(context) {
    const { nodes, ...cluster } = await servers()
    const ledger = new Ledger()
    const callers = await context.callers({ name: 'sleeper', nodes, ledger })
    context.step('SIGSTOP of the process; its sessions are terminated meanwhile')
    callers.signal('SIGSTOP')
    await cluster.primary.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and client_port is not null',
    )
    await context.sleep(SUSPENDED_MS)
    const wokenAt = now()
    callers.signal('SIGCONT')
    await callers.writes(20)
    const sameServerMs = (callers.firstSuccess('write', wokenAt) ?? Number.NaN) - wokenAt
    expectOnlyOldFailures(wokenAt)
    const down = callers.recorder
      .of('endpointStateChanged', wokenAt)
      .filter(({ event }) => event.to === 'DOWN')
    context.expect(down.length === 0, `servers were given up ${down.length} times`)
    context.step('SIGSTOP of the process; its primary dies meanwhile')
    callers.signal('SIGSTOP')
    await cluster.primary.crash()
    await cluster.standby.promote()
    await context.sleep(SUSPENDED_MS)
    const wokenAgainAt = now()
    callers.signal('SIGCONT')
    await callers.writes(20)
    const otherServerMs = (callers.firstSuccess('write', wokenAgainAt) ?? Number.NaN) - wokenAgainAt
    expectOnlyOldFailures(wokenAgainAt)
    const { closeMs, exitMs, crashes } = await callers.stop()
    const measured = await measure(context, ledger, callers, [cluster.standby], nodes)
    return { sameServerMs, otherServerMs, closeMs, exitMs, ...measured, processCrashes: crashes }

    async function servers() {
      const started = await context.cluster({ standbys: 1, synchronous: true })
      const [primary, standby] = started.nodes
      if (primary === undefined || standby === undefined) throw new Error('there are two servers')
      return { nodes: started.nodes, primary, standby }
    }

    function expectOnlyOldFailures(from: number): void {
      const failed = callers.failed('write', from).filter(({ startedAt }) => startedAt >= from)
      context.expect(
        failed.length === 0,
        `${failed.length} writes failed that began after the process went on: ${failed[0]?.message}`,
      )
    }
  },
}
