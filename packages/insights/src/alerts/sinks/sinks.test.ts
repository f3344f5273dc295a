import { inspect } from 'node:util'
import {
  type ReceivingServer,
  startReceivingServer,
} from '../../../test/alerts/receiving-server.js'
import { testAlert } from '../../../test/alerts/test-alert.js'
import type { AlertSink } from '../alert.js'
import { AlertDeliveryError, AlertRefusedError } from '../delivery/alert-errors.js'
import { sinks } from '../sinks.js'

const NOW = new Date(Date.UTC(2030, 0, 1, 12, 30))
const SECRET = 'T0RE/B0SS/s3cr3t-of-the-webhook'

let server: ReceivingServer
beforeEach(async () => {
  server = await startReceivingServer()
})
afterEach(() => server.close())

const deliver = async (
  sink: AlertSink,
  alerts = [testAlert()],
  signal = new AbortController().signal,
) => sink.deliver(alerts, { signal, now: NOW, resendMs: sink.resendMs ?? 0 })
const resolved = (labels = {}) =>
  testAlert(labels, { status: 'resolved', endsAt: new Date(Date.UTC(2030, 0, 1, 13)) })

describe('webhook', () => {
  test("posts version 4 of Alertmanager's webhooks", async () => {
    await deliver(sinks.webhook(`${server.url}/hook`), [testAlert(), resolved({ pool: 'users' })])
    const [{ body, headers, path }] = server.received as [(typeof server.received)[0]]
    expect(path).toBe('/hook')
    expect(headers['content-type']).toBe('application/json')
    const { summary } = testAlert().annotations
    expect(body).toMatchObject({
      version: '4',
      status: 'firing',
      receiver: `webhook ${server.url}`,
      truncatedAlerts: 0,
      groupLabels: {},
      commonLabels: { alertname: 'ConnmgrPoolExhausted', severity: 'critical', instance: 'web-1' },
      commonAnnotations: { summary },
      alerts: [
        {
          status: 'firing',
          fingerprint: testAlert().key,
          startsAt: '2030-01-01T12:00:00.000Z',
          endsAt: '0001-01-01T00:00:00Z',
          labels: testAlert().labels,
        },
        { status: 'resolved', endsAt: '2030-01-01T13:00:00.000Z' },
      ],
    })
    expect(body.commonLabels).not.toHaveProperty('pool')
    expect(body.alerts[0].annotations.holders).toBe(
      'checkout (/app/src/checkout.ts:42:18) holds connection 7 for 1 min 23 s, 2 statements',
    )
    expect(body.alerts[0].annotations.held_idle).toContain(
      'pay (/app/src/pay.ts:9:3) held 1 min 1 s idle',
    )
    expect(body.alerts[0].annotations.last_failover).toContain('failover from a to b')
    expect(body.alerts[0].annotations.pool_state).toBe(
      '5 of 5 connections in use, 3 callers waiting',
    )
  })

  test('sends headers and the credentials of its URL', async () => {
    const { host } = new URL(server.url)
    await deliver(sinks.webhook({ url: `http://me:pw@${host}/x`, headers: { 'X-Team': 'db' } }))
    expect(server.received[0]?.headers).toMatchObject({
      'x-team': 'db',
      authorization: `Basic ${Buffer.from('me:pw').toString('base64')}`,
    })
  })
})

describe('alertmanager', () => {
  test.each(['', '/', '/prefix', '/prefix/', '/prefix/api/v2/alerts'])(
    'posts to the API below %p',
    async (path) => {
      await deliver(sinks.alertmanager(`${server.url}${path}`))
      expect(server.received[0]?.path).toBe(
        path.startsWith('/prefix') ? '/prefix/api/v2/alerts' : '/api/v2/alerts',
      )
    },
  )

  test('says when an alert ends: four intervals from now unless it is sent again, or when it was resolved', async () => {
    const sink = sinks.alertmanager(server.url)
    expect(sink.resendMs).toBe(60_000)
    await deliver(sink, [testAlert(), resolved({ pool: 'users' })])
    expect(server.received[0]?.body).toEqual([
      expect.objectContaining({
        labels: testAlert().labels,
        startsAt: '2030-01-01T12:00:00.000Z',
        endsAt: '2030-01-01T12:34:00.000Z',
      }),
      expect.objectContaining({ endsAt: '2030-01-01T13:00:00.000Z' }),
    ])
  })
})

describe('slack', () => {
  test('posts a text and blocks with the diagnosis', async () => {
    await deliver(sinks.slack(`${server.url}/services/${SECRET}`), [
      testAlert({}, { annotations: { ...testAlert().annotations, summary: '<!channel> & more' } }),
    ])
    const { body } = server.received[0] as { body: { text: string; blocks: object[] } }
    expect(body.text).toBe(
      ':rotating_light: Firing: ConnmgrPoolExhausted (orders): &lt;!channel&gt; &amp; more',
    )
    expect(body.blocks).toMatchObject([
      { type: 'header', text: { type: 'plain_text' } },
      {
        type: 'section',
        text: { type: 'mrkdwn', text: expect.stringContaining('3 callers waiting') },
      },
      { type: 'section', text: { text: expect.stringContaining('/app/src/checkout.ts:42:18') } },
      { type: 'context', elements: [{ text: expect.stringContaining('pool=orders') }] },
    ])
  })

  test('keeps to the limits of Slack, whatever an alert says', async () => {
    const long = 'x'.repeat(50_000)
    const annotations = { summary: long, holders: long, held_idle: long, writer: long }
    const sink = sinks.slack(server.url)
    const alerts = Array.from({ length: sink.maxBatch as number }, (_, index) =>
      testAlert({ endpoint: `${index}${long}` }, { annotations, rule: long }),
    )
    await deliver(sink, alerts)
    const { body } = server.received[0] as unknown as {
      body: { blocks: { type: string; text?: { text: string }; elements?: { text: string }[] }[] }
    }
    expect(body.blocks.length).toBeLessThanOrEqual(50)
    for (const { elements, text, type } of body.blocks) {
      const most = type === 'header' ? 150 : 3000
      for (const each of [text, ...(elements ?? [])])
        if (each) expect(each.text.length).toBeLessThanOrEqual(most)
    }
  })

  test('tells of what was resolved without listing who held connections', async () => {
    await deliver(sinks.slack(server.url), [resolved()])
    expect(JSON.stringify(server.received[0]?.body)).toContain('Resolved')
    expect(JSON.stringify(server.received[0]?.body)).not.toContain('checkout.ts')
  })
})

describe('pagerDuty', () => {
  test('triggers and resolves one incident for each alert, by its dedup_key', async () => {
    server.answer = () => ({ status: 202 })
    const sink = sinks.pagerDuty({ routingKey: 'R0UT1NGKEY', url: `${server.url}/v2/enqueue` })
    expect(sink.maxBatch).toBe(1)
    await deliver(sink)
    await deliver(sink, [resolved()])
    const [trigger, resolve] = server.received.map(({ body }) => body)
    expect(trigger).toMatchObject({
      routing_key: 'R0UT1NGKEY',
      event_action: 'trigger',
      dedup_key: `connmgr-${testAlert().key}`,
      payload: {
        summary: 'orders: 5 of 5 connections are in use',
        source: 'web-1',
        severity: 'critical',
        timestamp: '2030-01-01T12:00:00.000Z',
        class: 'ConnmgrPoolExhausted',
        custom_details: { holders: expect.stringContaining('checkout.ts:42:18'), value: 1 },
      },
    })
    expect(resolve).toEqual({
      routing_key: 'R0UT1NGKEY',
      event_action: 'resolve',
      dedup_key: trigger.dedup_key,
    })
  })

  test.each([[undefined], [{}], [''], [{ routingKey: 7 }]])('refuses %p as its key', (given) => {
    expect(() => sinks.pagerDuty(given as unknown as string)).toThrow(/option "routingKey" must be/)
  })
})

describe('what goes wrong at a receiver', () => {
  test.each([500, 502, 503, 429, 404, 403, 401, 301, 408])(
    'status %i is tried again',
    async (status) => {
      server.answer = () => ({ status, headers: { 'retry-after': '7', location: '/' } })
      const failing = deliver(sinks.webhook(server.url))
      await expect(failing).rejects.toBeInstanceOf(AlertDeliveryError)
      await expect(failing).rejects.toMatchObject({ retryAfterMs: 7000 })
    },
  )

  test.each([400, 413, 422])('status %i means that it is never taken', async (status) => {
    server.answer = () => ({ status, body: 'invalid label name' })
    const failing = deliver(sinks.webhook(server.url))
    await expect(failing).rejects.toBeInstanceOf(AlertRefusedError)
    await expect(failing).rejects.toThrow(
      `${server.url} refused it with status ${status}: invalid label name`,
    )
  })

  test('a receiver that is not there is tried again', async () => {
    const { url } = server
    await server.close()
    await expect(deliver(sinks.webhook(url))).rejects.toThrow(`${url} cannot be reached`)
    server = await startReceivingServer()
  })

  test('the time of a delivery ends a request that is not answered', async () => {
    server.answer = () => undefined
    const abort = new AbortController()
    const delivering = deliver(sinks.webhook(server.url), [testAlert()], abort.signal)
    await server.request(0)
    abort.abort()
    await expect(delivering).rejects.toBeInstanceOf(AlertDeliveryError)
  })
})

describe('secrets of sinks', () => {
  const made = (): AlertSink[] => [
    sinks.slack(`${server.url}/services/${SECRET}`),
    sinks.webhook({
      url: `${server.url}/${SECRET}?token=q%2Fuery5ecret`,
      headers: { authorization: 'Bearer h3ader' },
    }),
    sinks.alertmanager(`http://user:pa55word@${new URL(server.url).host}/${SECRET}`),
    sinks.pagerDuty({ routingKey: 'R0UT1NGKEY', url: `${server.url}/${SECRET}` }),
  ]
  const SECRETS = /T0RE|B0SS|s3cr3t|uery5ecret|h3ader|pa55word|R0UT1NGKEY/

  test('are in nothing that a sink shows', () => {
    for (const sink of made()) {
      expect(inspect(sink, { depth: 9, showHidden: true })).not.toMatch(SECRETS)
      expect(JSON.stringify(sink)).not.toMatch(SECRETS)
    }
  })

  test('are in no error, though the receiver quotes what it was sent', async () => {
    server.answer = ({ body, headers, path }) => ({
      status: 400,
      body: `Cannot POST ${path} ${decodeURIComponent(path)} ${headers.authorization ?? ''} ${body.routing_key ?? ''}`,
    })
    for (const sink of made()) {
      const error = await deliver(sink).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(AlertRefusedError)
      expect(inspect(error, { depth: 9 })).not.toMatch(SECRETS)
    }
  })

  test.each([
    'hooks.slack.com/services/T0RE/B0SS/s3cr3t',
    'ftp://user:pa55word@host/s3cr3t',
    undefined,
    7,
    null,
  ])('are in no error of a wrong address: %p', (url) => {
    for (const make of [sinks.slack, sinks.webhook, sinks.alertmanager]) {
      const attempt = (): unknown => make({ url } as never)
      expect(attempt).toThrow(/option "url" must be an http or https URL/)
      try {
        attempt()
      } catch (error) {
        expect(inspect(error)).not.toMatch(SECRETS)
      }
    }
  })
})

test('options that no sink has are refused', () => {
  expect(() => sinks.slack({ url: server.url, timeout: 5 } as never)).toThrow(
    /unknown option "timeout"/,
  )
  expect(() => sinks.webhook({ url: server.url, timeoutMs: 0 })).toThrow(/option "timeoutMs"/)
})
