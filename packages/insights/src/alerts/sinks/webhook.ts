import type { Alert, AlertSink } from '../alert.js'
import { Receiver } from '../delivery/receiver.js'
import { commonParts, HTTP_RULES, type HttpSinkOptions, optionsOf } from './sink-options.js'

/** Where a webhook is, and what it needs. */
export interface WebhookOptions extends HttpSinkOptions {
  readonly url: string | URL
}

/** Alertmanager's way to say that an alert has not ended. */
const NOT_ENDED = '0001-01-01T00:00:00Z'

/**
 * Posts alerts to any URL, in the form of version 4 of Alertmanager's webhooks, which many tools read.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function webhook(given: string | URL | WebhookOptions): AlertSink {
  const options = optionsOf<WebhookOptions>('webhook', given, HTTP_RULES)
  const receiver = new Receiver('url', options.url, options)
  const name = options.name ?? `webhook ${receiver.shown}`
  return {
    name,
    ...commonParts(options),
    deliver: (alerts, { signal }) => receiver.post(webhookMessage(alerts, name), signal),
  }
}

/** Alerts as Alertmanager posts them to webhooks. They are one group, so that the group has no labels. */
function webhookMessage(alerts: readonly Alert[], receiver: string): object {
  return {
    version: '4',
    groupKey: '{}:{}',
    truncatedAlerts: 0,
    status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
    receiver,
    groupLabels: {},
    commonLabels: inCommon(alerts.map(({ labels }) => labels)),
    commonAnnotations: inCommon(alerts.map(({ annotations }) => annotations)),
    externalURL: '',
    alerts: alerts.map((alert) => ({
      status: alert.status,
      labels: alert.labels,
      annotations: alert.annotations,
      startsAt: alert.startsAt.toISOString(),
      endsAt: alert.endsAt?.toISOString() ?? NOT_ENDED,
      generatorURL: '',
      fingerprint: alert.key,
    })),
  }
}

function inCommon(all: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const [first = {}, ...rest] = all
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => rest.every((each) => each[name] === value)),
  )
}
