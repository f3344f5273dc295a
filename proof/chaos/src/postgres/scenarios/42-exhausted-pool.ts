import { setTimeout as pause } from 'node:timers/promises'
import { now } from '../../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

const POOL_SIZE = 3
const WAITERS = 40

/** Every connection is lent and many callers wait when the primary dies: they keep their order, and no slot is lost. */
export const scenario: Scenario = {
  id: 42,
  name: 'the pool is exhausted at the failover',
  quick: true,
  throughOrm: false,
  targets: { detectionMs: 50, firstWriteMs: 300 },
  async run(context) {
    const service = await context.service({
      load: false,
      manager: { poolSize: POOL_SIZE, maxOverflow: 0 },
    })
    const { manager, primary, standby } = service
    const order: number[] = []
    let firstWriteAt = Number.NaN
    const holders = await Promise.all(
      Array.from({ length: POOL_SIZE }, () => manager.acquire({ target: 'primary' })),
    )
    const hanging = holders.map(({ connection }) => connection.query('select pg_sleep(60)'))
    const cut = Promise.allSettled(hanging)
    const waiters = Array.from({ length: WAITERS }, async (_, index) => {
      const lease = await manager.acquire()
      order.push(index)
      await lease.connection.query("insert into ledger (id, orm) values ($1, 'pg')", [`w-${index}`])
      if (Number.isNaN(firstWriteAt)) firstWriteAt = now()
      await pause(5)
      lease.release()
    })
    const served = Promise.allSettled(waiters)
    context.step(`kill -9 of the primary, ${manager.getPoolMetrics().waiting} callers wait`)
    const crashedAt = now()
    await primary.crash()
    await cut
    const cutMs = now() - crashedAt
    for (const lease of holders) lease.release()
    const { visibleAt } = await promote(standby)
    const failed = (await served).filter((each) => each.status === 'rejected').length
    context.expect(failed === 0, `${failed} of ${WAITERS} waiters failed`)
    const inOrder = order.every((each, index) => each === index)
    context.expect(inOrder, `they were served in the order ${order.join(' ')}`)
    const { size, checkedOut, waiting, overflow } = manager.getPoolMetrics()
    context.expect(
      checkedOut === 0 && waiting === 0 && overflow === 0,
      `in the end ${checkedOut} of ${size} are lent, ${waiting} wait, ${overflow} are too many`,
    )
    const all = await Promise.all(Array.from({ length: POOL_SIZE }, () => manager.acquire()))
    for (const lease of all) lease.release()
    const [row] = await standby.query<{ rows: number }>('select count(*)::int as rows from ledger')
    context.expect(row?.rows === WAITERS, `${row?.rows} of ${WAITERS} writes are there`)
    const detectionMs = service.detectionMs(primary, crashedAt)
    const measured = await service.finish(standby)
    return {
      detectionMs,
      cutMs,
      firstWriteMs: Math.max(0, firstWriteAt - visibleAt),
      waitersFailed: failed,
      ...measured,
    }
  },
}
