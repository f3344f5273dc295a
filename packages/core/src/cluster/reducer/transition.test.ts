import fc from 'fast-check'
import type { FailureKind } from '../../driver/failure-kind.js'
import type { ProbeOutcome } from '../../health/probe-outcome.js'
import type { EndpointState } from '../../vocabulary/states.js'
import { nextStanding, type Standing } from './transition.js'

const KNOBS = { suspectCount: 3, failbackSuccesses: 2, stableMs: 1000 }
const ok = { ok: true } as ProbeOutcome
const failed = (kind: FailureKind, timedOut = false) =>
  ({ ok: false, kind, timedOut }) as ProbeOutcome
const start = (state: EndpointState): Standing => ({
  state,
  trusted: true,
  failures: 0,
  successes: 0,
  healthySince: undefined,
})

/** Where an endpoint stands after probes at these times. */
function after(
  state: EndpointState,
  ...probes: (readonly [number, ProbeOutcome])[]
): EndpointState {
  return probes.reduce(
    (standing, [at, outcome]) => nextStanding(standing, outcome, at, KNOBS),
    start(state),
  ).state
}

test.each<[EndpointState, EndpointState]>([
  ['UNKNOWN', 'UP'],
  ['UP', 'UP'],
  ['SUSPECT', 'UP'],
  ['BUSY', 'UP'],
  ['DOWN', 'PROBATION'],
  ['STARTING', 'PROBATION'],
  ['QUARANTINED', 'PROBATION'],
  ['FENCED', 'PROBATION'],
])('%s that answers is %s', (from, to) => {
  expect(after(from, [0, ok])).toBe(to)
})

test('two refusals in a row are enough: nothing listens there', () => {
  expect(after('UP', [0, failed('unreachable')])).toBe('SUSPECT')
  expect(after('UP', [0, failed('unreachable')], [1, failed('unreachable')])).toBe('DOWN')
})

test('silence takes suspectCount missed deadlines', () => {
  const silence = failed('unreachable', true)
  expect(after('UP', [0, silence], [1, silence])).toBe('SUSPECT')
  expect(after('UP', [0, silence], [1, silence], [2, silence])).toBe('DOWN')
  expect(after('UP', [0, silence], [1, silence], [2, ok], [3, silence])).toBe('SUSPECT')
})

test('a server that is slow, and answers over other connections meanwhile, stays up', () => {
  const slow = { ...failed('unreachable', true), alive: true } as ProbeOutcome
  expect(after('UP', [0, slow], [1, slow], [2, slow], [3, slow])).toBe('UP')
  expect(after('SUSPECT', [0, slow])).toBe('UP')
  expect(after('DOWN', [0, slow])).toBe('DOWN')
})

test.each<[FailureKind, EndpointState]>([
  ['setup', 'QUARANTINED'],
  ['starting', 'STARTING'],
  ['busy', 'BUSY'],
])('a server that answers with trouble of kind %s is %s, at once', (kind, state) => {
  for (const from of ['UP', 'DOWN', 'SUSPECT'] as const) {
    expect(after(from, [0, failed(kind)])).toBe(state)
  }
})

test('trust takes both successes and time', () => {
  expect(after('DOWN', [0, ok], [900, ok], [950, ok])).toBe('PROBATION')
  expect(after('DOWN', [0, ok], [1000, ok])).toBe('UP')
  expect(after('DOWN', [0, ok], [600, failed('unreachable')], [1200, ok])).toBe('PROBATION')
})

test('one that is not trusted yet may be silent for a moment, but not refuse', () => {
  const silence = failed('unreachable', true)
  expect(after('DOWN', [0, ok], [1, silence])).toBe('SUSPECT')
  expect(after('DOWN', [0, ok], [1, silence], [2, ok])).toBe('PROBATION')
  expect(after('DOWN', [0, ok], [1, silence], [2, silence], [3, silence])).toBe('DOWN')
  expect(after('DOWN', [0, silence])).toBe('DOWN')
  const slow = { ...silence, alive: true } as ProbeOutcome
  expect(after('DOWN', [0, ok], [1, slow], [2, slow], [3, slow])).toBe('PROBATION')
  expect(after('DOWN', [0, ok], [1, silence], [2, slow])).toBe('PROBATION')
  expect(after('DOWN', [0, ok], [1, failed('unreachable')])).toBe('DOWN')
  expect(after('DOWN', [0, failed('busy')], [1, ok])).toBe('PROBATION')
  expect(after('FENCED', [0, failed('busy')], [1, ok])).toBe('PROBATION')
})

test('an endpoint is never UP right after a failure, nor DOWN right after a success', () => {
  const outcome = fc.oneof(
    fc.constant(ok),
    fc
      .tuple(
        fc.constantFrom<FailureKind[]>('unreachable', 'lost', 'starting', 'busy', 'setup'),
        fc.boolean(),
      )
      .map(([kind, timedOut]) => failed(kind, timedOut)),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(500), outcome), { minLength: 1 }), (probes) => {
      let at = 0
      let standing = start('UNKNOWN')
      for (const [pause, each] of probes) {
        at += pause
        standing = nextStanding(standing, each, at, KNOBS)
        if (each.ok) expect(['UP', 'PROBATION']).toContain(standing.state)
        else expect(['UP', 'PROBATION']).not.toContain(standing.state)
      }
    }),
  )
})

test('silence brings one down that answered after exactly suspectCount deadlines in a row, and it is trusted again no sooner than stableMs', () => {
  const probe = fc.record({
    pause: fc.integer({ min: 1, max: 400 }),
    answers: fc.boolean(),
    alive: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(probe, { minLength: 1, maxLength: 40 }), (probes) => {
      let at = 0
      let standing = start('UP')
      let silences = 0
      let answeringSince: number | undefined
      let down = false
      let fell = false
      for (const { pause, answers, alive } of probes) {
        at += pause
        const counts = !answers && (down || !alive)
        silences = answers ? 0 : silences + Number(counts)
        if (answers) answeringSince ??= at
        else if (counts) answeringSince = undefined
        const silence = { ...failed('unreachable', true), alive } as ProbeOutcome
        standing = nextStanding(standing, answers ? ok : silence, at, KNOBS)
        if (answers) down = false
        else if (silences >= KNOBS.suspectCount) down = true
        fell ||= down
        expect(standing.state === 'DOWN').toBe(down)
        if (fell && standing.state === 'UP') {
          expect(at - (answeringSince ?? at)).toBeGreaterThanOrEqual(KNOBS.stableMs)
          fell = false
        }
      }
    }),
  )
})
