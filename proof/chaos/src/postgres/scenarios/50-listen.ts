import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const EVERY_MS = 10

/** A listener hears that something may be missing, and from then on misses nothing. */
export const scenario: Scenario = {
  id: 50,
  name: 'listeners through a failover: subscribed again, the gap reported',
  throughOrm: false,
  targets: { gapReportedMs: 300 },
  async run(context) {
    const service = await context.service({ load: false })
    const { manager, primary, recorder, standby } = service
    const received: number[] = []
    const gaps: number[] = []
    await manager.listen('jobs', ({ payload }) => void received.push(Number(payload)), {
      onGap: () => void gaps.push(now()),
    })
    /** Notifications that the server has confirmed, with the time at which they were sent. */
    const sent: { readonly id: number; readonly at: number }[] = []
    let next = 0
    const send = async (): Promise<void> => {
      next += 1
      const id = next
      const at = now()
      // What the crash has cut off is of unknown outcome and counts for nothing.
      await manager.notify('jobs', String(id)).then(
        () => sent.push({ id, at }),
        () => {},
      )
    }
    const running: Promise<void>[] = []
    const timer = setInterval(() => running.push(send()), EVERY_MS)
    context.defer(async () => clearInterval(timer))
    await context.until(() => received.length > 20, 'notifications arrive')
    context.step('kill -9 of the primary')
    const crashedAt = now()
    await primary.crash()
    await context.sleep(500)
    const { visibleAt } = await promote(standby)
    await context.until(() => gaps.length > 0, 'the gap is reported')
    const reportedAt = gaps[0] ?? Number.NaN
    const before = sent.length
    await context.until(() => sent.length > before + 50, 'notifications are sent again')
    clearInterval(timer)
    await Promise.all(running)
    await context.until(
      () => sent.at(-1) === undefined || received.includes(sent.at(-1)?.id ?? 0),
      'the last has arrived',
    )
    const missed = sent.filter(({ id, at }) => at >= reportedAt && !received.includes(id))
    context.expect(missed.length === 0, `${missed.length} were missed after the gap was reported`)
    const unexplained = sent.filter(({ id, at }) => at < crashedAt - 100 && !received.includes(id))
    context.expect(unexplained.length === 0, `${unexplained.length} were missed before the crash`)
    context.expect(gaps.length === 1, `the gap was reported ${gaps.length} times`)
    context.expect(new Set(received).size === received.length, 'some arrived twice')
    const [event] = recorder.of('notificationGap')
    const measured = await service.finish(standby)
    return {
      gapReportedMs: Math.max(0, reportedAt - visibleAt),
      gapMs: event?.event.durationMs ?? Number.NaN,
      missedInGap: sent.filter(({ id }) => !received.includes(id)).length,
      received: received.length,
      ...measured,
    }
  },
}
