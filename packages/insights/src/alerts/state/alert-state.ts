/** How long a condition must hold before its alert fires, and how long an alert goes on firing without it. */
export interface AlertTimes {
  readonly forMs: number
  readonly keepFiringForMs: number
}

/**
 * Where one alert is in its life. Times are on the scale of the evaluations, in milliseconds.
 *
 * - `inactive`: the condition does not hold
 * - `pending`: it holds, but not for `forMs` yet
 * - `firing`: it has held for `forMs`, and not been gone for `keepFiringForMs` since
 * - `resolved`: it was firing at the evaluation before
 */
export type AlertState =
  | { readonly phase: 'inactive' }
  | { readonly phase: 'pending'; readonly sinceMs: number }
  | { readonly phase: 'firing'; readonly sinceMs: number; readonly heldAtMs: number }
  | { readonly phase: 'resolved'; readonly sinceMs: number }

export const INACTIVE: AlertState = { phase: 'inactive' }

/**
 * The state after one more evaluation.
 *
 * @param holds whether the condition holds now
 * @param nowMs never less than at the evaluation before
 */
export function nextState(
  state: AlertState,
  holds: boolean,
  nowMs: number,
  times: AlertTimes,
): AlertState {
  if (state.phase === 'firing') {
    if (holds) return { ...state, heldAtMs: nowMs }
    const gone = nowMs - state.heldAtMs >= times.keepFiringForMs
    return gone ? { phase: 'resolved', sinceMs: state.sinceMs } : state
  }
  if (!holds) return INACTIVE
  const sinceMs = state.phase === 'pending' ? state.sinceMs : nowMs
  return nowMs - sinceMs >= times.forMs
    ? { phase: 'firing', sinceMs, heldAtMs: nowMs }
    : { phase: 'pending', sinceMs }
}
