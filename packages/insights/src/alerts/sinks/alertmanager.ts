import type { AlertSink } from '../alert.js'
import { Receiver } from '../delivery/receiver.js'
import { commonParts, HTTP_RULES, type HttpSinkOptions, optionsOf } from './sink-options.js'

/** Where an Alertmanager is, and what it needs. */
export interface AlertmanagerOptions extends HttpSinkOptions {
  /** Its address, with its path prefix if it has one: `http://alertmanager:9093`. */
  readonly url: string | URL
}

const RESEND_MS = 60_000
/** As Prometheus does: what is no longer sent is resolved after four times the interval. */
const MISSED = 4
/** A short interval must not make alerts flap whenever a delivery is late. */
const MINIMUM_MS = 15_000
/** As Prometheus does: an Alertmanager that restarts must hear of what was resolved before. */
const RESEND_RESOLVED_FOR_MS = 15 * 60_000
const PATH = 'api/v2/alerts'

/**
 * Posts alerts to Prometheus's Alertmanager, which groups, routes and silences them. They are sent again and again while
 * they fire, so that it knows them after a restart of its own, and takes them for resolved when this process is gone. Each
 * member of a cluster of Alertmanagers needs a sink of its own.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function alertmanager(given: string | URL | AlertmanagerOptions): AlertSink {
  const options = optionsOf<AlertmanagerOptions>('alertmanager', given, HTTP_RULES)
  // Checks the address, and names it.
  const base = new Receiver('url', options.url, options)
  const url = new URL(options.url)
  if (!url.pathname.endsWith(`/${PATH}`))
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${PATH}`
  const receiver = new Receiver('url', url, options)
  return {
    name: options.name ?? `alertmanager ${base.shown}`,
    resendMs: RESEND_MS,
    ...commonParts(options),
    resendResolvedForMs: RESEND_RESOLVED_FOR_MS,
    deliver: (alerts, { now, resendMs, signal }) =>
      receiver.post(
        alerts.map(({ annotations, endsAt, labels, startsAt }) => ({
          labels,
          annotations,
          startsAt: startsAt.toISOString(),
          ...endOf(endsAt, now, resendMs),
        })),
        signal,
      ),
  }
}

/** Without an end Alertmanager gives it one itself (`resolve_timeout`). */
function endOf(endsAt: Date | undefined, now: Date, resendMs: number): { endsAt?: string } {
  if (endsAt !== undefined) return { endsAt: endsAt.toISOString() }
  if (resendMs === 0) return {}
  return { endsAt: new Date(now.getTime() + MISSED * Math.max(resendMs, MINIMUM_MS)).toISOString() }
}
