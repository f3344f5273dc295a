import { format, type Logform } from 'winston'
import { redact, redactText } from './redact.js'

type Info = Logform.TransformableInfo

/**
 * The winston format for connmgr's log entries: flattens an event into fields that are easy to search, and takes
 * passwords out of everything, other people's entries included. Combine it with `format.json()` or another final one.
 *
 * Fields: `event`, `pool`, `endpoint`, `connectionId`, `durationMs`, `waitMs` (of failed and finished acquires),
 * `heldMs` (of leaks), `reason`, `code`, `error`, `checkedOutBy`, `stack`, `lastQuery`.
 */
export const connmgrFormat: () => Logform.Format = format((info: Info) => {
  // winston keeps level, message and splat under symbols too, which a copy of the fields would lose.
  const fields = redact(flatten(info)) as Record<string, unknown>
  for (const name of Object.keys(info)) if (!(name in fields)) delete info[name]
  Object.assign(info, fields)
  for (const symbol of Object.getOwnPropertySymbols(info)) {
    const value: unknown = Reflect.get(info, symbol)
    if (typeof value === 'string') Reflect.set(info, symbol, redactText(value))
  }
  return info
})

function flatten(info: Info): Record<string, unknown> {
  if (typeof info.event !== 'string') return { ...info }
  const { type: _type, lease, stragglers, durationMs, ...rest } = info as Record<string, unknown>
  const flat: Record<string, unknown> = { ...rest }
  if (typeof durationMs === 'number') {
    flat.durationMs = round(durationMs)
    if (info.event === 'acquireFailed' || info.event === 'connectionAcquired')
      flat.waitMs = round(durationMs)
    if (info.event === 'connectionReleased' || info.event.startsWith('leak'))
      flat.heldMs = round(durationMs)
  }
  const { error } = rest as { error?: { code?: unknown } }
  if (typeof error?.code === 'string') flat.code = error.code
  if (isLease(lease)) Object.assign(flat, describeLease(lease))
  if (Array.isArray(stragglers) && stragglers.length > 0) {
    flat.stragglers = stragglers.map((each) => (isLease(each) ? describeLease(each) : each))
  }
  return flat
}

interface LeaseFields {
  readonly label?: string
  readonly checkedOutBy?: string
  readonly stack?: string
  readonly lastQuery?: string
  readonly queryCount?: number
  readonly heldForMs?: number
}

function isLease(value: unknown): value is LeaseFields {
  return typeof value === 'object' && value !== null && 'heldForMs' in value
}

function describeLease({
  label,
  checkedOutBy,
  stack,
  lastQuery,
  queryCount,
}: LeaseFields): Record<string, unknown> {
  const known = { label, checkedOutBy, stack, lastQuery, queryCount }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
