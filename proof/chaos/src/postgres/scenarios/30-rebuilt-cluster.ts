import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

const REFUSED_FOR_MS = 1500

/** Other servers answer at the known addresses. That may be a rebuilt cluster or a mistake; only a person can tell. */
export const scenario: Scenario = {
  id: 30,
  name: 'the whole cluster is rebuilt',
  throughOrm: false,
  async run(context) {
    const service = await context.service({
      proxied: true,
      load: false,
      manager: { acquireTimeoutMs: 500 },
    })
    const { manager, nodes, primary, standby } = service
    const rebuilt = await context.cluster({ standbys: 1, synchronous: true })
    const write = (id: string): Promise<unknown> =>
      manager.pool.query("insert into ledger (id, orm) values ($1, 'pg')", [id])
    await write('before')
    context.step('all servers are replaced by new ones')
    await Promise.all(nodes.map((node) => node.crash()))
    for (const [index, node] of nodes.entries()) {
      const replacement = rebuilt.nodes[index]
      if (replacement !== undefined) service.proxyOf(node).retarget(replacement)
    }
    const replacedAt = now()
    const quarantinedMs = await service.reaches(primary, ['QUARANTINED'], replacedAt)
    await service.reaches(standby, ['QUARANTINED'], replacedAt)
    let refused = 0
    while (now() < replacedAt + REFUSED_FOR_MS) {
      await write(`refused-${refused}`).then(
        () => context.expect(false, 'a write went to the rebuilt cluster before the reset'),
        () => {
          refused += 1
        },
      )
    }
    context.step('the operator resets')
    const resetAt = now()
    await manager.reset()
    await write('after')
    const acceptedMs = now() - resetAt
    const rows = await rebuilt.primary.query<{ id: string }>('select id from ledger')
    context.expect(
      rows.length === 1 && rows[0]?.id === 'after',
      `the new cluster holds ${rows.map(({ id }) => id).join(', ')}`,
    )
    const measured = await service.finish(rebuilt.primary)
    return { quarantinedMs, refused, acceptedMs, ...measured }
  },
}
