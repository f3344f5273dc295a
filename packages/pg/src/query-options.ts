import type { ReplayOptions } from '@connmgr/core'
import { invalidOption, rejectMisspeltOptions } from '@connmgr/core/driver'

const OURS = ['replay', 'deadlineMs', 'signal', 'prepare']
/** Names that were found to be nothing like ours, so that each query need not be looked at anew. */
const known = new Set(OURS)
const MOST_KNOWN = 1000

/** How a query of a pool is to be repeated, if it is. */
export type QueryReplay = ReplayOptions & {
  readonly replay: 'safe' | 'idempotent' | 'never'
  readonly signal?: AbortSignal
}

/**
 * What is ours in what a pool's `query` was given; undefined if there is nothing. What is no plain query, such as a cursor,
 * keeps state of its own and cannot be repeated.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a name that is nearly one of ours: the names of others pass
 */
export function replayOptionsOf(
  query: unknown,
  fallback: 'never' | 'safe',
): QueryReplay | undefined {
  if (typeof query !== 'object' || query === null)
    return fallback === 'never' ? undefined : { replay: fallback }
  const {
    replay = fallback,
    deadlineMs,
    signal,
    submit,
  } = query as QueryReplay & {
    submit?: unknown
  }
  if (submit !== undefined) return undefined
  for (const name in query) if (!known.has(name)) learn(name)
  if (deadlineMs === undefined && replay === 'never') return undefined
  return {
    replay,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(signal === undefined ? {} : { signal }),
  }
}

/**
 * The signal of a query; undefined for one that has none. Cursors and streams have none: they end by being closed.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a signal that is none
 */
export function signalOf(query: unknown): AbortSignal | undefined {
  if (typeof query !== 'object' || query === null) return undefined
  const { signal, submit } = query as { signal?: AbortSignal; submit?: unknown }
  if (signal === undefined || submit !== undefined) return undefined
  const isSignal =
    typeof signal === 'object' &&
    typeof signal?.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function'
  if (!isSignal) throw invalidOption('signal', signal, 'an AbortSignal')
  return signal
}

function learn(name: string): void {
  rejectMisspeltOptions({ [name]: undefined }, OURS, 'the query', 'leave it out')
  if (known.size < MOST_KNOWN) known.add(name)
}
