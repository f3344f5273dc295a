import type { Alert, AlertSink } from '../alert.js'
import { Receiver } from '../delivery/receiver.js'
import { commonParts, HTTP_RULES, optionsOf, type SinkOptions, TEXT_RULE } from './sink-options.js'

/** Which service of PagerDuty is to get incidents. */
export interface PagerDutyOptions extends SinkOptions {
  /** The integration key of an integration with Events API v2. */
  readonly routingKey: string
  /** `@default` `https://events.pagerduty.com/v2/enqueue` */
  readonly url?: string | URL
}

const ENQUEUE = 'https://events.pagerduty.com/v2/enqueue'
const MOST_SUMMARY = 1024

/**
 * Triggers and resolves incidents of PagerDuty through Events API v2. The same alert has the same `dedup_key`, so that
 * what is sent again opens no second incident.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function pagerDuty(given: string | PagerDutyOptions): AlertSink {
  const asked = typeof given === 'string' ? { routingKey: given } : given
  const { headers: _, ...rules } = HTTP_RULES
  const options = optionsOf<PagerDutyOptions & { url: string | URL }>(
    'pagerDuty',
    // A key that is missing is refused as one that is empty is.
    { url: ENQUEUE, ...asked, routingKey: asked?.routingKey ?? '' },
    { ...rules, routingKey: TEXT_RULE },
  )
  const { routingKey } = options
  const receiver = new Receiver('url', options.url, { secrets: [routingKey] })
  return {
    name: options.name ?? `pagerduty ${receiver.shown}`,
    ...commonParts(options),
    // An event is about one incident.
    maxBatch: 1,
    deliver: async ([alert], { signal }) => {
      if (alert !== undefined) await receiver.post(pagerDutyEvent(alert, routingKey), signal)
    },
  }
}

/** An alert as an event of Events API v2. */
function pagerDutyEvent(alert: Alert, routingKey: string): object {
  const { annotations, key, labels, rule, severity, startsAt, status, value } = alert
  const known = { routing_key: routingKey, dedup_key: `connmgr-${key}` }
  if (status === 'resolved') return { ...known, event_action: 'resolve' }
  const { runbook_url, summary = rule, ...details } = annotations
  return {
    ...known,
    event_action: 'trigger',
    client: 'connmgr',
    ...(runbook_url !== undefined && { links: [{ href: runbook_url, text: 'Runbook' }] }),
    payload: {
      summary: `${labels.pool ?? 'connmgr'}: ${summary}`.slice(0, MOST_SUMMARY),
      source: labels.instance ?? labels.pool ?? 'connmgr',
      severity,
      timestamp: startsAt.toISOString(),
      component: labels.pool,
      class: rule,
      custom_details: { ...details, labels, ...(value !== undefined && { value }) },
    },
  }
}
