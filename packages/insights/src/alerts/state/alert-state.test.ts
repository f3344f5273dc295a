import fc from 'fast-check'
import { type AlertState, type AlertTimes, INACTIVE, nextState } from './alert-state.js'

interface Evaluation {
  readonly atMs: number
  readonly holds: boolean
  readonly phase: AlertState['phase']
}

/** What evaluations come to, one after the other. */
function run(steps: readonly (readonly [number, boolean])[], times: AlertTimes): Evaluation[] {
  let state = INACTIVE
  let atMs = 0
  return steps.map(([afterMs, holds]) => {
    atMs += afterMs
    state = nextState(state, holds, atMs, times)
    return { atMs, holds, phase: state.phase }
  })
}

const STEPS = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.boolean()), { maxLength: 60 })
const TIMES = fc.record({
  forMs: fc.integer({ min: 0, max: 50 }),
  keepFiringForMs: fc.integer({ min: 0, max: 50 }),
})

/** For how long the condition has held, or been gone, without a break, at each evaluation; undefined if it does not. */
function lasted(history: readonly Evaluation[], index: number, holds: boolean): number | undefined {
  if (history[index]?.holds !== holds) return undefined
  let first = index
  while (first > 0 && history[first - 1]?.holds === holds) first -= 1
  return (history[index] as Evaluation).atMs - (history[first] as Evaluation).atMs
}

/** Since the condition held last. */
function goneFor(history: readonly Evaluation[], index: number): number {
  const last = history.slice(0, index + 1).findLast(({ holds }) => holds)
  return (history[index] as Evaluation).atMs - (last?.atMs ?? Number.NEGATIVE_INFINITY)
}

describe('an alert', () => {
  test('fires exactly when its condition has held at every evaluation for forMs', () => {
    fc.assert(
      fc.property(STEPS, TIMES, (steps, times) => {
        const history = run(steps, times)
        for (const [index, { phase, holds }] of history.entries()) {
          const before = history[index - 1]?.phase ?? 'inactive'
          if (before === 'firing') continue
          const due = (lasted(history, index, true) ?? -1) >= times.forMs
          expect(phase === 'firing').toBe(due)
          if (!due) expect(phase === 'pending').toBe(holds)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('resolves exactly when its condition has been gone for keepFiringForMs', () => {
    fc.assert(
      fc.property(STEPS, TIMES, (steps, times) => {
        const history = run(steps, times)
        for (const [index, { phase, holds }] of history.entries()) {
          if (history[index - 1]?.phase !== 'firing') expect(phase).not.toBe('resolved')
          else {
            const over = !holds && goneFor(history, index) >= times.keepFiringForMs
            expect(phase).toBe(over ? 'resolved' : 'firing')
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('is the same for a condition that holds without a break, however often it is evaluated', () => {
    fc.assert(
      fc.property(
        TIMES,
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        (times, gaps) => {
          const history = run([[0, true], ...gaps.map((gap) => [gap, true] as const)], times)
          for (const { atMs, phase } of history)
            expect(phase).toBe(atMs >= times.forMs ? 'firing' : 'pending')
        },
      ),
    )
  })

  test('without forMs and keepFiringForMs follows its condition at once', () => {
    fc.assert(
      fc.property(STEPS, (steps) => {
        for (const { holds, phase } of run(steps, { forMs: 0, keepFiringForMs: 0 }))
          expect(phase === 'firing').toBe(holds)
      }),
    )
  })
})
