import type { Scenario } from '../scenario.js'

const WATCHED_MS = 2500

/** Two primaries of one cluster that started in the same microsecond are one server, reached by two paths. */
export const scenario: Scenario = {
  id: 26,
  name: 'one server under two names',
  async run(context) {
    const { nodes } = await context.cluster({ standbys: 1, synchronous: true })
    const [primary, standby] = nodes
    if (primary === undefined || standby === undefined) throw new Error('there are two servers')
    const alias = await context.proxy(primary)
    const service = await context.service({
      nodes,
      manager: {
        failoverUrls: [
          primary.url().replace(`:${primary.port}/`, `:${alias.port}/`),
          standby.url(),
        ],
      },
    })
    const { load, manager, recorder } = service
    await context.sleep(WATCHED_MS)
    const status = manager.getFailoverStatus()
    context.expect(status.state === 'STEADY', `the cluster is ${status.state}`)
    context.expect(recorder.of('failoverStarted').length === 0, 'a failover was started')
    const byAlias = `127.0.0.1:${alias.port}/postgres`
    const other = manager.getPoolMetrics(byAlias).totalConnectionsCreated
    context.expect(other === 0, `${other} connections were opened by the second name`)
    const measured = await service.finish(primary)
    const failed = load.failed('write').length + load.failed('read').length
    context.expect(failed === 0, `${failed} operations failed`)
    return { connectionsBySecondName: other, ...measured }
  },
}
