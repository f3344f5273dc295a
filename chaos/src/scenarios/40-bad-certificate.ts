import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { PostgresNode } from '@connmgr/testing'
import type { ChaosContext } from '../context.js'
import { now } from '../now.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** The new primary shows a certificate that nobody vouches for: it gets no password and no write, and this is told. */
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
      'writers have been told',
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
    const figures = await service.finish(primary)
    return { detectionMs: service.detectionMs(primary, crashedAt), ...figures }
  },
}

/** Gives a server a certificate of its own making, and returns it. */
async function useCertificate(context: ChaosContext, node: PostgresNode): Promise<string> {
  const [row] = await node.query<{ directory: string }>(
    `select current_setting('data_directory') as directory`,
  )
  const directory = row?.directory ?? ''
  const key = path.join(directory, 'server.key')
  const certificate = path.join(directory, 'server.crt')
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  })
  const { uid, gid } = statSync(directory)
  for (const file of [key, certificate]) {
    chmodSync(file, 0o600)
    chownSync(file, uid, gid)
  }
  await node.query('alter system set ssl = on')
  await node.query('select pg_reload_conf()')
  await context.until(async () => {
    const rows = await node.query<{ ssl: string }>(`select current_setting('ssl') as ssl`)
    return rows[0]?.ssl === 'on'
  }, `${node.name} has switched TLS on`)
  return readFileSync(certificate, 'utf8')
}
