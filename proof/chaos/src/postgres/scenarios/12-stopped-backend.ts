import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const QUERY_TIMEOUT_MS = 1000

/** One session hangs on a server that is well: with `queryTimeoutMs` it is cut off, and nothing else is. */
export const scenario: Scenario = {
  id: 12,
  name: 'one backend of the primary is stopped (SIGSTOP)',
  async run(context) {
    const service = await context.service({ manager: { queryTimeoutMs: QUERY_TIMEOUT_MS } })
    const { manager, primary, recorder } = service
    const client = await manager.pool.connect()
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const pid = rows[0]?.pid as number
    context.defer(async () => goOn(pid))
    context.step('a backend is stopped under a query')
    process.kill(pid, 'SIGSTOP')
    const hangsAt = now()
    const outcome = await client.query('select 1').then(
      () => 'answered',
      () => 'rejected',
    )
    const cutOffMs = now() - hangsAt
    client.release()
    context.expect(outcome === 'rejected', `the query was ${outcome}`)
    context.expect(cutOffMs < QUERY_TIMEOUT_MS * 1.5, `it hung for ${cutOffMs} ms`)
    await service.writes(20)
    const closed = recorder
      .of('connectionClosed', hangsAt)
      .filter(({ event }) => event.reason !== 'overflow')
      .map(({ event }) => event.reason)
    context.expect(closed.join() === 'query-timeout', `connections were closed: ${closed.join()}`)
    const states = recorder.statesOf(service.endpointOf(primary), hangsAt)
    context.expect(states.length === 0, `the server was ${states.join(', ')}`)
    goOn(pid)
    const measured = await service.finish(primary)
    const failed = service.load.failed('write').length
    context.expect(failed === 0, `${failed} other writes failed`)
    return { cutOffMs, ...measured }
  },
}

function goOn(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch (error) {
    // It has ended, as it was to.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
