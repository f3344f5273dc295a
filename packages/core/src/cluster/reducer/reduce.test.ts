import {
  answers,
  fails,
  follows,
  inWords,
  listed,
  type Pause,
  play,
  rulesOf,
  statesOf,
  unseenCluster,
} from '../../../test/observed-cluster.js'
import type { Observation } from './observations.js'
import { reduce } from './reduce.js'
import { reduceFixed } from './reduce-fixed.js'

type Step = Observation | Pause
type Outcome = readonly [state: string, writer: string | undefined, endpoints: string]

const ROLE = rulesOf('role', { failbackSuccesses: 2, failbackStableMs: 1000 })
const ORDERED = rulesOf('ordered', { failbackSuccesses: 2, failbackStableMs: 1000 })
const ROUND_OVER: Observation = { type: 'roundOver' }
/** Of `a`, the primary, and `b`, its standby. */
const STARTED: readonly Step[] = [{ type: 'started' }, answers('a'), follows('b'), ROUND_OVER]
const CRASHED: readonly Step[] = [...STARTED, fails('a'), fails('a')]
const PROMOTED: readonly Step[] = [...CRASHED, answers('b', { history: '2' })]

function outcomeOf(rules: typeof ROLE, steps: readonly Step[]): Outcome {
  const { view } = play(reduce, rules, unseenCluster(['a', 'b'], rules), steps)
  return [view.state, view.writer, statesOf(view)]
}

/** The effects of the last step, in words. */
function effectsOf(rules: typeof ROLE, steps: readonly Step[]): string[] {
  const { effects } = play(reduce, rules, unseenCluster(['a', 'b'], rules), steps)
  return effects.map(inWords)
}

describe('what is known of a replicated cluster', () => {
  test.each<[string, readonly Step[], Outcome]>([
    ['before anything was seen', [], ['DEGRADED', undefined, 'a UNKNOWN, b UNKNOWN']],
    ['before the first round is over', STARTED.slice(0, -1), ['DEGRADED', undefined, 'a UP, b UP']],
    ['after the first round', STARTED, ['STEADY', 'a', 'a UP, b UP']],
    [
      'when the primary has waited long enough for one that is silent',
      [{ type: 'started' }, answers('a'), { type: 'elapsed', timer: 'grace' }],
      ['STEADY', 'a', 'a UP, b UNKNOWN'],
    ],
    ['when the primary refuses once', [...STARTED, fails('a')], ['STEADY', 'a', 'a SUSPECT, b UP']],
    ['when it refuses twice', CRASHED, ['FAILING_OVER', undefined, 'a DOWN, b UP']],
    ['when another was promoted', PROMOTED, ['STEADY', 'b', 'a DOWN, b UP']],
    [
      'when the old primary is back as one',
      [...PROMOTED, answers('a')],
      ['STEADY', 'b', 'a FENCED, b UP'],
    ],
    [
      'when it is back as a standby',
      [...PROMOTED, follows('a', { history: '2' })],
      ['STEADY', 'b', 'a PROBATION, b UP'],
    ],
    [
      'when it has answered for long enough',
      [...PROMOTED, follows('a', { history: '2' }), 1000, follows('a', { history: '2' })],
      ['STEADY', 'b', 'a UP, b UP'],
    ],
    [
      'when the same primary is back',
      [...CRASHED, answers('a')],
      ['STEADY', 'a', 'a PROBATION, b UP'],
    ],
    [
      'when nothing answers any more',
      [...CRASHED, fails('b'), fails('b')],
      ['FAILING_OVER', undefined, 'a DOWN, b DOWN'],
    ],
    [
      'when a connection breaks',
      [...STARTED, { type: 'troubled', id: 'a', kind: 'lost', reason: 'reset' }],
      ['STEADY', 'a', 'a SUSPECT, b UP'],
    ],
    [
      'when a statement fails',
      [...STARTED, { type: 'troubled', id: 'a', kind: 'statement', reason: 'syntax' }],
      ['STEADY', 'a', 'a UP, b UP'],
    ],
    [
      'when the primary refuses logins, as it ends',
      [...STARTED, { type: 'ending', id: 'a', reason: 'shutting down' }],
      ['FAILING_OVER', undefined, 'a STARTING, b UP'],
    ],
    [
      'when a second primary has an equal claim',
      [...STARTED, answers('b')],
      ['SPLIT_BRAIN', undefined, 'a UP, b UP'],
    ],
    [
      'when a standby is of another cluster',
      [...STARTED, follows('b', { cluster: 'theirs' })],
      ['STEADY', 'a', 'a UP, b QUARANTINED'],
    ],
    [
      'when an operator holds the writer',
      [...STARTED, { type: 'held', id: 'a', reason: 'upgrade' }],
      ['FAILING_OVER', undefined, 'a QUARANTINED, b UP'],
    ],
    [
      'when it answers meanwhile',
      [...STARTED, { type: 'held', id: 'a', reason: 'upgrade' }, answers('a')],
      ['FAILING_OVER', undefined, 'a QUARANTINED, b UP'],
    ],
    [
      'when it is released, and answers',
      [
        ...STARTED,
        { type: 'held', id: 'a', reason: 'upgrade' },
        { type: 'released', id: 'a' },
        answers('a'),
        { type: 'reviewed', reason: 'released' },
      ],
      ['STEADY', 'a', 'a UP, b UP'],
    ],
    [
      'when an operator accepts a primary of an older history',
      [
        ...PROMOTED,
        answers('a'),
        fails('b'),
        fails('b'),
        { type: 'resetBegun' },
        answers('a'),
        fails('b'),
        { type: 'resetEnded' },
      ],
      ['STEADY', 'a', 'a PROBATION, b DOWN'],
    ],
    [
      'when a source no longer names the writer',
      [...STARTED, { type: 'listed', endpoints: [listed('b', 0)] }],
      ['FAILING_OVER', undefined, 'b UP'],
    ],
    [
      'when a source names one that shows nothing of itself',
      [
        ...STARTED,
        {
          type: 'listed',
          endpoints: [listed('a', 0), listed('b', 1), listed('c', 2, { origin: 'discovered' })],
        },
        answers('c', { cluster: undefined, history: '9' }),
      ],
      ['STEADY', 'a', 'a UP, b UP, c UNPROVEN'],
    ],
    [
      'once all attempts to find a writer have failed',
      [
        ...CRASHED,
        ...Array.from({ length: 5 }, (): Step => ({ type: 'elapsed', timer: 'search' })),
      ],
      ['DEGRADED', undefined, 'a DOWN, b UP'],
    ],
    [
      'of an endpoint that is none of ours',
      [...STARTED, fails('z')],
      ['STEADY', 'a', 'a UP, b UP'],
    ],
    [
      'after the end',
      [...STARTED, { type: 'stopped' }, fails('a'), fails('a')],
      ['STEADY', 'a', 'a UP, b UP'],
    ],
  ])('%s', (_when, steps, expected) => {
    expect(outcomeOf(ROLE, steps)).toEqual(expected)
  })
})

describe('what is known of independent servers', () => {
  const both: readonly Step[] = [{ type: 'started' }, answers('a'), answers('b'), ROUND_OVER]

  test.each<[string, readonly Step[], Outcome]>([
    ['after the first round', both, ['STEADY', 'a', 'a UP, b UP']],
    ['when the first is suspect', [...both, fails('a')], ['STEADY', 'a', 'a SUSPECT, b UP']],
    ['when it is down', [...both, fails('a'), fails('a')], ['STEADY', 'b', 'a DOWN, b UP']],
    [
      'when it is back, and not trusted yet',
      [...both, fails('a'), fails('a'), answers('a')],
      ['STEADY', 'b', 'a PROBATION, b UP'],
    ],
    [
      'when it is trusted again',
      [...both, fails('a'), fails('a'), answers('a'), 1000, answers('a')],
      ['STEADY', 'a', 'a UP, b UP'],
    ],
    [
      'when an operator wants the second',
      [...both, { type: 'requested', id: 'b' }],
      ['STEADY', 'b', 'a UP, b UP'],
    ],
    [
      'when the second answers, and the first has not had its time',
      [{ type: 'started' }, 99, answers('b'), fails('a', 'unreachable', true), ROUND_OVER],
      ['DEGRADED', undefined, 'a SUSPECT, b UP'],
    ],
    [
      'when it has had it',
      [
        { type: 'started' },
        99,
        answers('b'),
        fails('a', 'unreachable', true),
        ROUND_OVER,
        { type: 'elapsed', timer: 'grace' },
      ],
      ['STEADY', 'b', 'a SUSPECT, b UP'],
    ],
  ])('%s', (_when, steps, expected) => {
    expect(outcomeOf(ORDERED, steps)).toEqual(expected)
  })
})

describe('what is to be done', () => {
  test('when the writer is lost: its connections end, callers leave it, and all is asked sooner', () => {
    expect(effectsOf(ROLE, CRASHED)).toEqual([
      'emit endpointStateChanged',
      'forgetSession a',
      'refreshTopology',
      'hurry',
      'forgetLogins a',
      'tell a condition=lost serving=false dead=a cannot be reached: a: unreachable',
      'arm search 30000',
      'trace start a',
      'emit failoverStarted',
      'tell a outdated=only standbys answer',
      'hurry',
      'emit clusterStateChanged',
      'reroute',
    ])
  })

  test('when another has taken over: every pool learns its role before callers move, and it serves after that', () => {
    expect(effectsOf(ROLE, PROMOTED)).toEqual([
      'emit roleChanged',
      'answered b',
      'tell b roleChanged=true',
      'disarm search',
      'tell a requiredRole=standby',
      'tell b requiredRole=primary',
      'tell b roleChanged=true crowded=true',
      'trace end b',
      'emit failoverCompleted',
      'emit clusterStateChanged',
      'reroute',
      'tell b serving=true',
    ])
  })

  test('when a suspect writer answers as a standby: its callers leave before it serves again', () => {
    const effects = effectsOf(ROLE, [...STARTED, fails('a'), follows('a')])
    expect(effects).toContain('emit failoverStarted')
    expect(effects.slice(-2)).toEqual(['reroute', 'tell a serving=true'])
  })

  test('when an endpoint answers and is fenced at once: it is not set to serve', () => {
    const effects = effectsOf(ROLE, [...PROMOTED, answers('a')])
    expect(effects.filter((each) => each.includes('serving=true'))).toEqual([])
    expect(effects.filter((each) => each === 'emit endpointStateChanged')).toHaveLength(2)
  })

  test('when a probe says nothing new: next to nothing', () => {
    expect(effectsOf(ROLE, [...STARTED, answers('a')])).toEqual(['answered a'])
  })

  test('when a probe is refused, or not answered: the same is asked again, in a moment or at once', () => {
    expect(effectsOf(ROLE, [...STARTED, fails('a')])).toContain('probe a soon')
    expect(effectsOf(ROLE, [...STARTED, fails('a', 'unreachable', true)])).toContain('probe a now')
  })

  test('when a connection breaks: every server is asked', () => {
    const broken: Observation = { type: 'troubled', id: 'b', kind: 'lost', reason: 'reset' }
    expect(effectsOf(ROLE, [...STARTED, broken])).toEqual([
      'emit endpointStateChanged',
      'refreshTopology',
      'hurry',
      'tell b condition=suspect serving=false',
      'probeAll',
      'reroute',
    ])
  })

  test('when an attempt to find a writer has failed: a pause with jitter, then another attempt', () => {
    const over: Observation = { type: 'elapsed', timer: 'search' }
    const { effects } = play(reduce, ROLE, unseenCluster(['a', 'b'], ROLE), [...CRASHED, over])
    expect(effects).toMatchObject([
      { type: 'arm', timer: 'search', delayMs: 1000, jitter: true },
      { type: 'emit', event: { type: 'failoverFailed', attempt: 1 } },
    ])
    expect(effectsOf(ROLE, [...CRASHED, over, over])).toEqual(['arm search 30000'])
  })

  test('at the end: the timers are cleared, and then nothing', () => {
    expect(effectsOf(ROLE, [...CRASHED, { type: 'stopped' }])).toEqual([
      'disarm grace',
      'disarm search',
    ])
    expect(effectsOf(ROLE, [...CRASHED, { type: 'stopped' }, answers('b')])).toEqual([])
  })
})

describe('a single server', () => {
  const FIXED = rulesOf('fixed')
  const one = unseenCluster(['a'], FIXED)
  const after = (...steps: Step[]) => play(reduceFixed, FIXED, one, steps)

  test('is the writer from the start, whatever its role', () => {
    expect(one).toMatchObject({ state: 'STEADY', writer: 'a' })
    expect(after(follows('a')).view).toMatchObject({ state: 'STEADY', writer: 'a' })
  })

  test('that is down leaves its callers where they are, and rejects those whose statements hang', () => {
    const { effects, view } = after(answers('a'), fails('a'), fails('a'))
    expect([view.state, view.writer, statesOf(view)]).toEqual(['ALL_DOWN', 'a', 'a DOWN'])
    expect(effects.map(inWords)).toEqual([
      'emit endpointStateChanged',
      'forgetSession a',
      'refreshTopology',
      'hurry',
      'forgetLogins a',
      'tell a condition=lost dead=the database cannot be reached: a: unreachable',
      'emit clusterStateChanged',
    ])
  })

  test('that becomes a standby is never behind, as there is no other server', () => {
    const { all, view } = after(
      answers('a', { position: '1' }),
      20_000,
      follows('a', { position: '1' }),
      20_000,
      follows('a', { position: '1' }),
    )
    expect(view.endpoints[0]).toMatchObject({ lagMs: undefined, lagging: false })
    expect(all.map(inWords)).not.toContain('emit standbyFellBehind')
  })
})
