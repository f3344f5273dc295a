import { now } from '../../now.js'
import type { Scenario } from '../scenario.js'

/** Every idle client hears of the shutdown twice, and only the manager listens. */
export const scenario: Scenario = {
  id: 3,
  name: 'fast shutdown with idle connections',
  quick: true,
  targets: { detectionMs: 50 },
  async run(context) {
    const service = await context.service({ load: false, manager: { minIdle: 5 } })
    const { manager, primary } = service
    await manager.warmUp(5)
    const stoppedAt = now()
    context.step('fast shutdown')
    await primary.stop('fast')
    await service.reaches(primary, ['DOWN'], stoppedAt)
    context.expect(manager.getCounts('primary').total === 0, 'idle connections were kept')
    context.step('the server starts again')
    await primary.start()
    const startedAt = now()
    await manager.use((client) => client.query('select 1'))
    const recoveredMs = now() - startedAt
    const measured = await service.finish(primary)
    return { detectionMs: service.detectionMs(primary, stoppedAt), recoveredMs, ...measured }
  },
}
