import { Ledger } from '@connmgr/testing'
import { OperationLog } from '../../operation-log.js'
import { measure } from '../measure.js'
import type { Scenario } from '../scenario.js'

const DRAIN_MS = 1000
const PROMPT_MS = 500

/** A deployment ends the process in the middle of it all: closing has its deadline, and nothing keeps the process after it. */
export const scenario: Scenario = {
  id: 61,
  name: 'close in the middle of a failover',
  quick: true,
  targets: { closeMs: DRAIN_MS + PROMPT_MS, exitMs: PROMPT_MS },
  async run(context) {
    const { nodes } = await context.cluster({ standbys: 1, synchronous: true })
    const [primary, standby] = nodes
    if (primary === undefined || standby === undefined) throw new Error('there are two servers')
    const ledger = new Ledger()
    const names = ['suspecting', 'searching'] as const
    const [suspecting, searching] = await Promise.all(
      names.map((name) => context.callers({ name, nodes, ledger })),
    )
    if (suspecting === undefined || searching === undefined) throw new Error('there are two')
    context.step('SIGSTOP of all processes of the primary')
    await primary.freeze()
    await context.sleep(200)
    context.step('one process closes while its callers hang on the server')
    const first = await suspecting.stop(DRAIN_MS)
    await context.until(
      () => searching.recorder.of('failoverStarted').length > 0,
      'the other process looks for a writer',
    )
    context.step('the other one closes while its callers wait for a writer')
    const second = await searching.stop(DRAIN_MS)
    await primary.thaw()
    const log = new OperationLog()
    for (const each of [...suspecting.operations, ...searching.operations]) log.add(each)
    const measured = await measure(context, ledger, log, [primary], nodes)
    return {
      closeMs: Math.max(first.closeMs, second.closeMs),
      exitMs: Math.max(first.exitMs, second.exitMs),
      ...measured,
      processCrashes: first.crashes + second.crashes,
    }
  },
}
