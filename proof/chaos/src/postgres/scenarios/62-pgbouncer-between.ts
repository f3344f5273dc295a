import { installPrograms } from '../../../patroni/lab/debian.js'
import { LabFolder } from '../../../patroni/lab/lab-folder.js'
import { PgBouncer } from '../../../patroni/lab/pgbouncer.js'
import { findPorts } from '../../../patroni/lab/ports.js'
import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const PAUSE_MS = 2000
const OUTAGE_MS = 1500
/** So many callers may be at work when the server goes. */
const MOST_IN_FLIGHT = 10

/**
 * A PgBouncer in front of the server: no caller fails while it is paused, and what it refuses while its server is away
 * never reached one. Needs PgBouncer, which it installs if it may.
 */
export const scenario: Scenario = {
  id: 62,
  name: 'PgBouncer between, paused and without a server',
  throughOrm: false,
  targets: { recoveredMs: 1500 },
  async run(context) {
    installPrograms((line) => context.step(line), ['pgbouncer'])
    const cluster = await context.cluster({ standbys: 1, synchronous: true })
    const { primary } = cluster
    const folder = new LabFolder()
    context.defer(() => folder.close())
    const [port] = await findPorts(1)
    const bouncer = await PgBouncer.start(folder, port as number, primary.port)
    const service = await context.service({
      nodes: cluster.nodes,
      manager: { databaseUrl: bouncer.url(), failoverUrls: [] },
    })

    context.step(`PAUSE for ${PAUSE_MS} ms`)
    const pausedAt = now()
    await bouncer.order('PAUSE')
    await context.sleep(PAUSE_MS)
    await bouncer.order('RESUME')
    const resumedAt = now()
    await service.writes(20)
    const failedInPause = service.load.failed('write', pausedAt).length
    context.expect(failedInPause === 0, `${failedInPause} writes failed in the pause`)

    context.step('the server behind it crashes, and is started again')
    await primary.crash()
    await context.sleep(OUTAGE_MS)
    await primary.start()
    const startedAt = now()
    await service.writes(20)
    // Its own connections to the server are not ours, but bear our name.
    await service.load.stop()
    await service.manager.close()
    await bouncer.daemon.kill()
    const { failures } = service.ledger
    const measured = await service.finish(primary)
    context.expect(
      failures.unknown <= MOST_IN_FLIGHT,
      `${failures.unknown} writes are unknown, but no more than ${MOST_IN_FLIGHT} were under way`,
    )
    return {
      pausedMs: resumedAt - pausedAt,
      afterPauseMs: service.recoveredMs(resumedAt),
      recoveredMs: service.recoveredMs(startedAt),
      ...measured,
    }
  },
}
