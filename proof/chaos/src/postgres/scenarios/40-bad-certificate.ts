import { now } from '../../now.js'
import { useCertificate } from '../certificate.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** The new primary shows a certificate that no authority vouches for: it gets no password and no write, and this is reported. */
export const scenario: Scenario = {
  id: 40,
  name: 'bad certificate on the new primary',
  throughOrm: false,
  async run(context) {
    const cluster = await context.cluster({ standbys: 1 })
    const { nodes } = cluster
    const [primary, standby] = nodes
    if (primary === undefined || standby === undefined) throw new Error('there are too few servers')
    const trusted = await useCertificate(context, primary)
    await useCertificate(context, standby)
    const service = await context.service({
      nodes,
      manager: { ssl: { ca: trusted }, acquireTimeoutMs: 1500 },
    })
    const { load, recorder } = service
    const known = recorder.statesOf(service.endpointOf(standby))
    context.expect(known.includes('QUARANTINED'), `the standby was ${known.join(', ')}`)
    context.step('kill -9 of the primary, the standby is promoted')
    const crashedAt = now()
    await primary.crash()
    await promote(standby)
    await context.until(
      () => load.failed('write', crashedAt).some(({ failure }) => failure === 'not-sent'),
      'writers have failed',
    )
    await context.sleep(1500)
    const rows = await standby.query(
      `select 1 from pg_stat_activity where application_name = 'connmgr-chaos'`,
    )
    context.expect(rows.length === 0, `${rows.length} connections lead to the new primary`)
    const { endpoints } = service.manager.getFailoverStatus()
    const reason = endpoints[1]?.lastError?.message
    context.expect(/certificate/i.test(reason ?? ''), `the reason given is "${reason}"`)
    const written = load.succeeded('write', crashedAt + 50).length
    context.expect(written === 0, `${written} writes went to the new primary`)
    context.step('the old primary is back')
    await primary.start()
    await service.writes(20)
    const measured = await service.finish(primary)
    return { detectionMs: service.detectionMs(primary, crashedAt), ...measured }
  },
}
