import fc from 'fast-check'
import { pauseBeforeReplay, type Situation } from './decide.js'
import type { Failure } from './failure.js'
import type { ReplayMode } from './options.js'

const situation = (given: Partial<Situation>): Situation => ({
  mode: 'safe',
  failure: 'aborted',
  deliberate: false,
  kept: false,
  attempt: 1,
  elapsedMs: 0,
  deadlineMs: 1000,
  ...given,
})
const replays = (given: Partial<Situation>): boolean =>
  pauseBeforeReplay(situation(given), 0.5) !== undefined

describe('whether a unit of work is run again', () => {
  test.each<[ReplayMode, Failure, boolean]>([
    ['never', 'never-sent', false],
    ['never', 'refused', false],
    ['never', 'aborted', false],
    ['never', 'conflict', false],
    ['never', 'unknown', false],
    ['safe', 'never-sent', true],
    ['safe', 'refused', true],
    ['safe', 'aborted', true],
    ['safe', 'conflict', true],
    ['safe', 'unknown', false],
    ['safe', 'other', false],
    ['idempotent', 'never-sent', true],
    ['idempotent', 'refused', true],
    ['idempotent', 'aborted', true],
    ['idempotent', 'conflict', true],
    ['idempotent', 'unknown', true],
    ['idempotent', 'other', false],
  ])('%s, %s: %s', (mode, failure, expected) => expect(replays({ mode, failure })).toBe(expected))

  test.each([
    ['not-committed', true],
    ['unknown', false],
    [undefined, false],
  ] as const)('an unknown outcome that was found to be %s: %s', (outcome, expected) => {
    expect(replays({ failure: 'unknown', outcome })).toBe(expected)
  })

  test('nothing else that it wrote may be there to stay, unless writing it twice does no harm', () => {
    expect(replays({ kept: true })).toBe(false)
    expect(replays({ kept: true, failure: 'unknown', outcome: 'not-committed' })).toBe(false)
    expect(replays({ kept: true, mode: 'idempotent' })).toBe(true)
  })

  test.each(['safe', 'idempotent'] as const)('never what was ended on purpose, %s', (mode) => {
    for (const failure of ['never-sent', 'aborted', 'conflict', 'unknown'] as const)
      expect(replays({ mode, failure, outcome: 'not-committed', deliberate: true })).toBe(false)
  })

  test('not past the deadline, nor if the pause would reach it', () => {
    expect(replays({ elapsedMs: 999 })).toBe(true)
    expect(replays({ elapsedMs: 1000 })).toBe(false)
    expect(replays({ failure: 'conflict', attempt: 7, elapsedMs: 600 })).toBe(false)
    expect(replays({ deadlineMs: 0 })).toBe(false)
  })
})

describe('the pause before it', () => {
  test('is none at first, as the acquire waits for the next writer', () => {
    expect(pauseBeforeReplay(situation({}), 0.9)).toBe(0)
  })

  test.each([
    ['conflict', 1, 20],
    ['conflict', 2, 40],
    ['conflict', 20, 1000],
    ['aborted', 2, 40],
    ['aborted', 20, 1000],
  ] as const)('of a %s at attempt %i is jittered up to %i ms', (failure, attempt, longest) => {
    const at = (random: number) =>
      pauseBeforeReplay(situation({ failure, attempt, deadlineMs: 60_000 }), random)
    expect([at(0), at(0.5), at(0.999)]).toEqual([0, longest / 2, longest * 0.999])
  })

  test('never leads past the deadline', () => {
    fc.assert(
      fc.property(
        fc.record({
          mode: fc.constantFrom<ReplayMode>('never', 'safe', 'idempotent'),
          failure: fc.constantFrom<Failure>(
            'never-sent',
            'aborted',
            'conflict',
            'unknown',
            'other',
          ),
          outcome: fc.constantFrom('not-committed', 'unknown', undefined),
          deliberate: fc.boolean(),
          kept: fc.boolean(),
          attempt: fc.integer({ min: 1, max: 1000 }),
          elapsedMs: fc.integer({ min: 0, max: 10_000 }),
          deadlineMs: fc.integer({ min: 0, max: 10_000 }),
        }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (given, random) => {
          const pauseMs = pauseBeforeReplay(given, random)
          if (pauseMs === undefined) return
          expect(pauseMs).toBeGreaterThanOrEqual(0)
          expect(given.elapsedMs + pauseMs).toBeLessThan(given.deadlineMs)
          expect(given.deliberate).toBe(false)
          if (given.mode === 'safe') expect(given.kept).toBe(false)
          if (given.failure === 'unknown')
            expect(given.mode === 'idempotent' || given.outcome === 'not-committed').toBe(true)
        },
      ),
    )
  })
})
