import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const STOPPED_MS = 9000

/** Sessions work, and no other can be opened: the server stays in use with those that are open, and this is reported. */
export const scenario: Scenario = {
  id: 11,
  name: 'only the postmaster of the primary is stopped (SIGSTOP)',
  async run(context) {
    const service = await context.service({ manager: { poolSize: 10, maxOverflow: 0 } })
    const { load, manager, primary, recorder } = service
    await manager.warmUp()
    const pid = primary.pid as number
    context.defer(async () => void process.kill(pid, 'SIGCONT'))
    context.step('the postmaster is stopped')
    const stoppedAt = now()
    process.kill(pid, 'SIGSTOP')
    await context.sleep(STOPPED_MS)
    const reported = recorder.of('loginsFailed', stoppedAt)
    const states = recorder.statesOf(service.endpointOf(primary), stoppedAt)
    context.expect(reported.length === 1, `it was reported ${reported.length} times`)
    context.expect(states.length === 0, `the server was ${states.join(', ')}`)
    const written = load.succeeded('write', stoppedAt).length
    context.expect(written > STOPPED_MS / 40, `only ${written} writes went through`)
    context.step('the postmaster goes on')
    const continuedAt = now()
    process.kill(pid, 'SIGCONT')
    await context.until(() => recorder.of('loginsRecovered').length === 1, 'logins work again')
    const recoveredLoginsMs = (recorder.of('loginsRecovered')[0]?.at ?? Number.NaN) - continuedAt
    const measured = await service.finish(primary)
    const failed = load.failed('write').length
    context.expect(failed === 0, `${failed} writes failed`)
    return {
      loginsFailedMs: (reported[0]?.at ?? Number.NaN) - stoppedAt,
      recoveredLoginsMs,
      ...measured,
    }
  },
}
