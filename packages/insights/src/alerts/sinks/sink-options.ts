import { CALL_RULES, checkCall, invalidOption } from '@connmgr/core/driver'
import type { Alert, AlertSink } from '../alert.js'
import type { HeaderFields } from '../delivery/receiver.js'

/** What every sink can be told. */
export interface SinkOptions {
  /** Shown in `status()` and in warnings. `@default` the kind of the sink, and the host of its receiver */
  readonly name?: string
  /** Time that one delivery may take. `@default` 10_000 */
  readonly timeoutMs?: number
  /** Delivers an alert again and again while it fires. 0 for once. `@default` 0, and 60_000 for Alertmanager */
  readonly resendMs?: number
  /** Chooses the alerts that this sink gets. `@default` all */
  readonly only?: (alert: Alert) => boolean
  /** Whether resolved alerts are sent. `@default` true */
  readonly sendResolved?: boolean
}

/** What every sink that sends to an HTTP address can be told. */
export interface HttpSinkOptions extends SinkOptions {
  /** Sent with each request: `authorization`, for example. */
  readonly headers?: HeaderFields
}

const HEADERS = {
  accepts: (value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((each) => typeof each === 'string' && !/[\r\n]/.test(each)),
  expected: 'an object of strings',
}
const TEXT = {
  accepts: (value: unknown) => typeof value === 'string' && value !== '',
  expected: 'a string that is not empty',
}
const BOOLEAN = {
  accepts: (value: unknown) => typeof value === 'boolean',
  expected: 'true or false',
}
const TIMEOUT = {
  accepts: (value: unknown) => CALL_RULES.milliseconds.accepts(value) && (value as number) > 0,
  expected: 'a number of milliseconds above 0',
}
const URL_RULE = { accepts: () => true, expected: 'an http or https URL' }

/** What {@link checkCall} checks options by. */
export type CallRules = Parameters<typeof checkCall>[2]

const SINK_RULES: CallRules = {
  name: TEXT,
  timeoutMs: TIMEOUT,
  resendMs: CALL_RULES.milliseconds,
  only: CALL_RULES.function,
  sendResolved: BOOLEAN,
}
export const HTTP_RULES: CallRules = { ...SINK_RULES, url: URL_RULE, headers: HEADERS }
/** A name, or a key, that is not empty. */
export const TEXT_RULE = TEXT

/** The options of a sink that was given its address alone, or an object. */
export function optionsOf<O extends { readonly url: string | URL }>(
  sink: string,
  given: string | URL | O,
  rules: CallRules,
): O {
  const options = typeof given === 'string' || given instanceof URL ? { url: given } : given
  if (options === undefined || options === null)
    throw invalidOption('url', options, `the address of the receiver, for sinks.${sink}`)
  checkCall(`sinks.${sink}`, options, rules)
  return options as O
}

/** The parts of a sink that are options of every sink. */
export function commonParts(options: SinkOptions): Omit<AlertSink, 'name' | 'deliver'> {
  const { only, resendMs, sendResolved, timeoutMs } = options
  return {
    ...(only !== undefined && { only }),
    ...(resendMs !== undefined && { resendMs }),
    ...(sendResolved !== undefined && { sendResolved }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  }
}
