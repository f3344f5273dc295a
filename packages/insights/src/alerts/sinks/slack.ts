import type { Alert, AlertSink } from '../alert.js'
import { Receiver } from '../delivery/receiver.js'
import { commonParts, HTTP_RULES, optionsOf, type SinkOptions } from './sink-options.js'

/** Where a channel of Slack is. */
export interface SlackOptions extends SinkOptions {
  /** The address of an incoming webhook: a secret, as it lets its holder write to the channel. */
  readonly url: string | URL
}

/** Slack takes 50 blocks in a message; an alert has four at the most. */
const MOST_ALERTS = 10
const MOST_HEADER = 150
const MOST_SECTION = 3000
const MOST_CONTEXT = 2000

const ICONS = { critical: ':rotating_light:', warning: ':warning:', info: ':information_source:' }

/**
 * Posts alerts to a channel of Slack, through an incoming webhook.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function slack(given: string | URL | SlackOptions): AlertSink {
  const { headers: _, ...rules } = HTTP_RULES
  const options = optionsOf<SlackOptions>('slack', given, rules)
  const receiver = new Receiver('url', options.url)
  return {
    name: options.name ?? `slack ${receiver.shown}`,
    ...commonParts(options),
    maxBatch: MOST_ALERTS,
    deliver: (alerts, { signal }) => receiver.post(slackMessage(alerts), signal),
  }
}

/** Alerts as a message of Slack: `text` for notifications, `blocks` for the channel. */
function slackMessage(alerts: readonly Alert[]): { text: string; blocks: object[] } {
  return {
    text: cut(
      alerts.map((alert) => escaped(`${titleOf(alert)}: ${summaryOf(alert)}`)).join('\n'),
      MOST_SECTION,
    ),
    blocks: alerts.flatMap(blocksOf),
  }
}

function blocksOf(alert: Alert): object[] {
  const { annotations, labels, startsAt, status } = alert
  const { held_idle, holders, last_failover, pool_state, runbook_url, writer } = annotations
  const facts = [
    pool_state,
    writer && `writer: ${writer}`,
    last_failover && `last failover: ${last_failover}`,
    runbook_url && `runbook: ${runbook_url}`,
  ].filter((fact): fact is string => fact !== undefined && fact !== '')
  const code = [holders, held_idle]
    .filter((text) => text !== undefined)
    .join('\n')
    .replaceAll('```', "'''")
  const where = Object.entries(labels)
    .filter(([name]) => name !== 'alertname' && name !== 'severity')
    .map(([name, value]) => `${name}=${value}`)
  return [
    header(titleOf(alert)),
    section([summaryOf(alert), ...facts].map(escaped).join('\n')),
    ...(code === '' || status === 'resolved'
      ? []
      : [section(`\`\`\`${cut(escaped(code), MOST_SECTION - 6)}\`\`\``)]),
    context(escaped([...where, `since ${startsAt.toISOString()}`].join(' · '))),
  ]
}

function titleOf({ labels, rule, severity, status }: Alert): string {
  const icon = status === 'resolved' ? ':white_check_mark:' : ICONS[severity]
  return `${icon} ${status === 'resolved' ? 'Resolved' : 'Firing'}: ${rule} (${labels.pool ?? ''})`
}

function summaryOf({ annotations, rule }: Alert): string {
  return annotations.summary ?? rule
}

const header = (text: string): object => ({
  type: 'header',
  text: { type: 'plain_text', text: cut(text, MOST_HEADER), emoji: true },
})
const section = (text: string): object => ({
  type: 'section',
  text: { type: 'mrkdwn', text: cut(text, MOST_SECTION) },
})
const context = (text: string): object => ({
  type: 'context',
  elements: [{ type: 'mrkdwn', text: cut(text, MOST_CONTEXT) }],
})

/** Slack reads these three characters as its markup: links, mentions of everyone in the channel. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
