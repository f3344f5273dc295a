import { alertmanager } from './sinks/alertmanager.js'
import { pagerDuty } from './sinks/pager-duty.js'
import { slack } from './sinks/slack.js'
import { webhook } from './sinks/webhook.js'

/**
 * The ready sinks of {@link alerts}. A function is a sink too: it is called with the alerts.
 *
 * @example
 * alerts({ sinks: [sinks.alertmanager('http://alertmanager:9093'), (alerts) => console.log(alerts)] })
 */
export const sinks = { alertmanager, webhook, slack, pagerDuty } as const
