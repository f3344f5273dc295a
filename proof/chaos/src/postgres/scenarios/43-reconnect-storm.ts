import { Ledger } from '@connmgr/testing'
import { now } from '../../now.js'
import { OperationLog } from '../../operation-log.js'
import { measure } from '../measure.js'
import type { Scenario } from '../scenario.js'

const PROCESSES = 8
const CONNECTIONS = 20
const RAMP_MS = 2000
/** On average half of the connections come in each of the two seconds; jitter and probes add to that. */
const MOST_PER_SECOND = PROCESSES * CONNECTIONS * 0.8
const SLICE_MS = 50

/** Many processes with many connections lose their server. It comes back to a ramp, not to a storm; no process starves. */
export const scenario: Scenario = {
  id: 43,
  name: `${PROCESSES} processes with ${CONNECTIONS} connections each come back`,
  throughOrm: false,
  deadlineMs: 120_000,
  async run(context) {
    const { primary } = await context.cluster({ maxConnections: 250 })
    const proxy = await context.proxy(primary)
    const nodes = [{ url: () => primary.url().replace(`:${primary.port}/`, `:${proxy.port}/`) }]
    const ledger = new Ledger()
    context.step('the processes start')
    const names = Array.from({ length: PROCESSES }, (_, index) => `process-${index + 1}`)
    const processes = await Promise.all(
      names.map((name) =>
        context.callers({
          name,
          nodes,
          ledger,
          load: { writesPerSecond: 20, readsPerSecond: 0, mostInFlight: CONNECTIONS },
          manager: { poolSize: CONNECTIONS, maxOverflow: 0, minIdle: CONNECTIONS },
        }),
      ),
    )
    await context.until(
      () => proxy.connections >= PROCESSES * CONNECTIONS,
      'every process has all its connections',
    )
    context.step('kill -9 of the server')
    await primary.crash()
    await context.sleep(1500)
    context.step('the server starts again')
    await primary.start()
    const startedAt = now()
    const accepted: number[] = []
    while (now() < startedAt + RAMP_MS + 2000) {
      accepted.push(proxy.accepted)
      await context.sleep(SLICE_MS)
    }
    const slices = 1000 / SLICE_MS
    const perSecond = accepted.map((count, index) => (accepted[index + slices] ?? count) - count)
    const mostPerSecond = Math.max(...perSecond)
    context.expect(
      mostPerSecond <= MOST_PER_SECOND,
      `${mostPerSecond} attempts to connect within a second`,
    )
    const firstWrites = processes.map(
      (each) => (each.firstSuccess('write', startedAt) ?? Number.NaN) - startedAt,
    )
    const slowestMs = Math.max(...firstWrites)
    context.expect(slowestMs < 1500, `a process wrote for the first time after ${slowestMs} ms`)
    const waits = processes.flatMap((each) => each.failed('write', startedAt))
    context.expect(
      waits.every(({ failure }) => failure !== 'not-sent'),
      `${waits.length} callers failed while they waited`,
    )
    await context.until(
      () => proxy.connections >= PROCESSES * CONNECTIONS,
      'every process has all its connections again',
    )
    await Promise.all(processes.map((each) => each.stop()))
    const log = new OperationLog()
    for (const each of processes) for (const operation of each.operations) log.add(operation)
    const measured = await measure(context, ledger, log, [primary], [primary])
    return { mostPerSecond, slowestMs, ...measured }
  },
}
