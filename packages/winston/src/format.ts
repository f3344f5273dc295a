import { redact } from '@connmgr/core'
import { errorFields, isError } from '@connmgr/core/driver'
import { format, type Logform } from 'winston'

type Info = Logform.TransformableInfo

/**
 * The winston format for connmgr's log entries: flattens an event into fields that are easy to search, and takes
 * passwords out of everything, other people's entries included. Put it first, so that the formats after it see no
 * secret, and end with one that writes, such as `format.json()`.
 *
 * Fields: `event`, `pool`, `endpoint`, `connectionId`, `durationMs`, `waitMs` (of failed and finished acquires),
 * `heldMs` (of leases that were returned or leaked), `reason`, `code`, `error`, `checkedOutBy`, `stack`, `lastQuery`.
 *
 * @example
 * createLogger({ format: format.combine(connmgrFormat(), format.timestamp(), format.json()), transports })
 */
export const connmgrFormat: () => Logform.Format = format((info: Info) => {
  // A new entry: what winston hands on may be the caller's own object, or error.
  const entry = redact(isError(info) ? errorFields(info) : flatten(info)) as Info
  // winston keeps level, message and splat under symbols too.
  for (const symbol of Object.getOwnPropertySymbols(info)) {
    Reflect.set(entry, symbol, redact(Reflect.get(info, symbol)))
  }
  return entry
})

function flatten(info: Info): Record<string, unknown> {
  // Other people's entries may have a field of this name too; only ours are events as a whole.
  if (typeof info.event !== 'string' || info.event !== info.type) return { ...info }
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
