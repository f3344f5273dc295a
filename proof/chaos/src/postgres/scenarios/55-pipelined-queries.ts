import { Client } from 'pg'
import { failureClassOf } from '../../../../demo/src/postgresql/failure-class.js'
import { fateOf, heldUp, terminateHeldUp } from '../in-flight.js'
import type { Scenario } from '../scenario.js'

const BEHIND = 20

/** Queries that share a connection fail each by itself: what was read, what was written and what was never begun. */
export const scenario: Scenario = {
  id: 55,
  name: 'pipelined queries, each with its own outcome',
  throughOrm: false,
  async run(context) {
    const service = await context.service({
      proxied: true,
      load: false,
      manager: { shared: { lanes: 1, depth: 1000 }, poolSize: 3, maxOverflow: 0 },
    })
    const { ledger, manager, primary } = service
    // What has waited for a lock is not shared the next time, so each part has a text of its own.
    const insert = (id: string, part: string): Promise<unknown> => {
      const text = `insert into ledger (id, orm) values ($1, 'pg') /* ${part} */`
      const write = manager.pool.query(text, [id])
      write.then(
        () => ledger.acknowledged(id),
        (error: unknown) => ledger.rejected(id, failureClassOf(error)),
      )
      return write
    }
    const holder = new Client({ connectionString: primary.url() })
    holder.on('error', () => {})
    await holder.connect()
    const hold = () => holder.query('begin; lock table ledger in share mode')
    const mixed = (part: string) => [
      fateOf(insert(ledger.newId('pg'), part)),
      ...Array.from({ length: BEHIND }, (_each, n) =>
        fateOf(
          n % 2 === 0
            ? manager.pool.query('select $1::int', [n])
            : insert(ledger.newId('pg'), part),
        ),
      ),
    ]
    await manager.pool.query('select 1')

    context.step('the server ends the session at the first')
    await hold()
    const ended = mixed('ended')
    await heldUp(context, primary)
    await terminateHeldUp(primary)
    await holder.query('rollback')
    const [first, ...others] = await Promise.all(ended)
    context.expect(first === 'aborted', `the answer to the first: ${first}`)
    context.expect(
      others.every((fate) => fate === 'done'),
      `those behind it, never begun, ended as: ${[...new Set(others)].join(', ')}`,
    )

    context.step('the network cuts the connection')
    await hold()
    const cut = mixed('cut')
    await heldUp(context, primary)
    service.proxyOf(primary).reset()
    const [head, ...behind] = await Promise.all(cut)
    const reads = new Set(behind.filter((_fate, n) => n % 2 === 0))
    const writes = new Set([head, ...behind.filter((_fate, n) => n % 2 === 1)])
    context.expect([...reads].join() === 'aborted', `reads ended as: ${[...reads].join(', ')}`)
    context.expect([...writes].join() === 'unknown', `writes ended as: ${[...writes].join(', ')}`)
    await holder.query('rollback')
    await holder.end()
    await context.until(
      async () =>
        (await primary.query("select 1 from pg_stat_activity where wait_event_type = 'Lock'"))
          .length === 0,
      'the server has done what it was sent',
    )
    return service.finish(primary)
  },
}
