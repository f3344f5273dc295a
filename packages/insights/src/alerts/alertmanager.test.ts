import {
  type Alertmanager,
  describeAlertmanager,
  eventually,
  FakeClock,
  startAlertmanager,
} from '@connmgr/testing'
import { type ReceivingServer, startReceivingServer } from '../../test/alerts/receiving-server.js'
import { end, fakeManager } from '../../test/alerts/watched.js'
import { type Alerts, alerts } from './alerts.js'
import { sinks } from './sinks.js'

/** An alert in a notification that Alertmanager has sent. */
interface Notified {
  readonly status: string
  readonly fingerprint: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

describeAlertmanager('alerts through a real Alertmanager', () => {
  let webhook: ReceivingServer
  let alertmanager: Alertmanager
  let watching: Alerts
  const broken = new Set<string>()
  const held = new FakeClock()
  const manager = fakeManager(held, { name: 'orders' })

  beforeEach(async () => {
    broken.clear()
    webhook = await startReceivingServer()
    alertmanager = await startAlertmanager(`${webhook.url}/notify`)
    watching = alerts({
      managers: manager,
      rules: [
        {
          name: 'ConnmgrTest',
          severity: 'critical',
          when: () =>
            [...broken].map((part) => ({
              summary: `${part} is "broken" \n & <b>`,
              labels: { part },
            })),
        },
      ],
      sinks: [sinks.alertmanager({ url: alertmanager.url, resendMs: 100 })],
      intervalMs: 50,
      labels: { instance: 'web-1' },
      onProblem: (problem) => problems.push(problem.kind),
    })
    problems.length = 0
  })
  afterEach(async () => {
    await watching.close({ drainTimeoutMs: 100 })
    await alertmanager.stop()
    await webhook.close()
  })
  afterAll(() => end({ alerts: watching, manager, clock: held } as never))
  const problems: string[] = []

  const active = async (): Promise<string[]> =>
    (await alertmanager.alerts()).map(({ labels }) => labels.part as string).sort()
  const notified = (): Notified[] =>
    webhook.received.flatMap(({ body }) => body.alerts as Notified[])
  const latest = (part: string): string | undefined =>
    notified().findLast(({ labels }) => labels.part === part)?.status

  test('it shows what fires with its diagnosis, knows it by our fingerprint, and notifies of its end', async () => {
    const lease = await manager.acquire()
    broken.add('engine')
    await eventually(async () => (await active()).length === 1)
    const [shown] = await alertmanager.alerts()
    expect(shown).toMatchObject({
      fingerprint: watching.status().alerts[0]?.key,
      labels: {
        alertname: 'ConnmgrTest',
        severity: 'critical',
        pool: 'orders',
        instance: 'web-1',
        part: 'engine',
      },
      annotations: {
        summary: 'engine is "broken" \n & <b>',
        pool_state: '1 of 2 connections in use, 0 callers waiting',
        holders: expect.stringMatching(/alertmanager\.test\.ts:\d+:\d+/),
      },
    })
    await eventually(() => latest('engine') === 'firing')
    broken.delete('engine')
    await eventually(() => latest('engine') === 'resolved')
    lease.release()
    expect(problems).toEqual([])
  })

  test('killed while an alert fires and started again, it gets what fires then, and what was resolved meanwhile', async () => {
    broken.add('stays').add('ends')
    await eventually(async () => (await active()).length === 2)
    await eventually(() => latest('stays') === 'firing' && latest('ends') === 'firing')
    await alertmanager.kill()
    broken.delete('ends')
    broken.add('comes')
    await eventually(() => (watching.status().sinks[0]?.failures ?? 0) > 0)
    await eventually(
      () =>
        watching
          .status()
          .alerts.map(({ labels }) => labels.part)
          .sort()
          .join() === 'comes,stays',
    )
    await alertmanager.start()
    await eventually(async () => (await active()).join() === 'comes,stays')
    await eventually(() => latest('comes') === 'firing')
    expect(problems).toContain('delivery-failed')
    await eventually(() => problems.at(-1) === 'delivery-recovered')
    broken.clear()
    await eventually(() => latest('stays') === 'resolved' && latest('comes') === 'resolved')
  })

  test('labels of any text are taken as they are', async () => {
    const parts = ['äöü €', 'a"b\\c', 'line\nbreak', '🐘', '{}=,', ' ']
    for (const part of parts) broken.add(part)
    await eventually(async () => (await active()).length === parts.length)
    const shown = await alertmanager.alerts()
    expect(new Set(shown.map(({ fingerprint }) => fingerprint))).toEqual(
      new Set(watching.status().alerts.map(({ key }) => key)),
    )
    expect(problems).toEqual([])
  })
})
