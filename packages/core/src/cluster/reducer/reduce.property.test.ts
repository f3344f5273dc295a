import fc from 'fast-check'
import {
  answers,
  fails,
  listed,
  type Pause,
  rulesOf,
  unseenCluster,
} from '../../../test/observed-cluster.js'
import type { FailureKind } from '../../driver/failure-kind.js'
import type { ProbeResult } from '../../driver/replication.js'
import type { ServerChange } from '../../pool/server-change.js'
import { stateIs } from '../states.js'
import type { Effect } from './effects.js'
import type { Observation, TimerName } from './observations.js'
import { reduce } from './reduce.js'
import { reduceFixed } from './reduce-fixed.js'
import type { Reducer } from './reducer.js'
import type { ClusterView, Rules } from './view.js'

const LISTED = ['a', 'b', 'c']
/** `d` comes and goes; `z` is never one of ours. */
const KNOWN = [...LISTED, 'd']
const ANY = [...KNOWN, 'z']
const KINDS: FailureKind[] = ['unreachable', 'lost', 'starting', 'busy', 'setup', 'read-only']

const id = fc.constantFrom(...ANY)
const result: fc.Arbitrary<ProbeResult> = fc.record({
  role: fc.constantFrom('primary', 'standby', 'standby'),
  writable: fc.boolean(),
  cluster: fc.constantFrom('ours', 'ours', 'ours', 'theirs', undefined),
  history: fc.constantFrom('1', '1', '2', '3', undefined),
  position: fc.constantFrom('10', '20', '30', undefined),
  startedAt: fc.constantFrom('monday', 'tuesday'),
})
const failure = fc
  .tuple(id, fc.constantFrom(...KINDS), fc.boolean())
  .map(([each, kind, timedOut]) => fails(each, kind, timedOut))
const list = fc.subarray(KNOWN, { minLength: 1 }).map(
  (ids): Observation => ({
    type: 'listed',
    endpoints: ids.map((each, order) =>
      listed(each, order, each === 'd' ? { origin: 'discovered' } : {}),
    ),
  }),
)
const about = (type: 'requested' | 'released' | 'connected') =>
  id.map((each): Observation => ({ type, id: each }))
const because = (type: 'ending' | 'held') =>
  id.map((each): Observation => ({ type, id: each, reason: type }))
const probe = fc.oneof(
  fc.tuple(id, result).map(([each, said]) => answers(each, said)),
  failure,
)

const observation: fc.Arbitrary<Observation> = fc.oneof(
  { weight: 20, arbitrary: probe },
  {
    weight: 2,
    arbitrary: fc
      .tuple(id, fc.constantFrom(...KINDS))
      .map(([each, kind]): Observation => ({ type: 'troubled', id: each, kind, reason: kind })),
  },
  { weight: 3, arbitrary: fc.constantFrom<TimerName>('grace', 'search').map(elapsed) },
  { weight: 1, arbitrary: list },
  { weight: 1, arbitrary: because('held') },
  { weight: 1, arbitrary: because('ending') },
  { weight: 1, arbitrary: about('requested') },
  { weight: 1, arbitrary: about('released') },
  { weight: 1, arbitrary: about('connected') },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('started', 'roundOver', 'resetBegun', 'resetEnded', 'roundOver')
      .map((type): Observation => ({ type }) as Observation),
  },
  { weight: 1, arbitrary: fc.constant<Observation>({ type: 'reviewed', reason: 'asked for' }) },
)
const steps = fc.array(fc.oneof(observation, observation, fc.integer({ min: 1, max: 4000 })), {
  maxLength: 40,
  size: 'max',
})
/** Most begin as clusters do: with an answer of each. */
const history: fc.Arbitrary<(Observation | Pause)[]> = fc.oneof(
  steps,
  fc
    .tuple(fc.tuple(result, result, result), steps)
    .map(([first, rest]): (Observation | Pause)[] => [
      { type: 'started' },
      ...LISTED.map((each, index) => answers(each, first[index])),
      { type: 'roundOver' },
      ...rest,
    ]),
)
const rules = fc
  .record({
    kind: fc.constantFrom<Rules['kind'][]>('role', 'role', 'ordered'),
    splitBrain: fc.constantFrom<('refuse' | 'stay')[]>('refuse', 'stay'),
    autoFailback: fc.boolean(),
    suspectCount: fc.integer({ min: 1, max: 3 }),
    failbackSuccesses: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ kind, ...knobs }) => rulesOf(kind, { ...knobs, failbackStableMs: 1000 }))

function elapsed(timer: TimerName): Observation {
  return { type: 'elapsed', timer }
}

/** The value, all of which fails with a TypeError from now on when it is changed. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (value instanceof Map) {
    const refuse = (): never => {
      throw new TypeError('a map of a view was changed')
    }
    for (const name of ['set', 'delete', 'clear'])
      Object.defineProperty(value, name, { value: refuse })
    for (const each of value.values()) frozen(each)
  }
  Object.freeze(value)
  for (const each of Object.values(value)) frozen(each)
  return value
}

/** The state of the pools, the timers and the listeners of a cluster, by the effects so far. */
class World {
  readonly serving = new Map<string, boolean>()
  readonly required = new Map<string, ServerChange['requiredRole']>()
  readonly timers = new Set<TimerName>()
  readonly states = new Map<string, string>()
  clusterState: string
  epoch = 0

  constructor({ state }: ClusterView) {
    this.clusterState = state
  }

  carryOut(effect: Effect): void {
    if (effect.type === 'tell') {
      const { requiredRole, serving } = effect.change
      if (serving !== undefined) this.serving.set(effect.id, serving)
      if (requiredRole !== undefined) this.required.set(effect.id, requiredRole)
    } else if (effect.type === 'arm') this.timers.add(effect.timer)
    else if (effect.type === 'disarm') this.timers.delete(effect.timer)
    else if (effect.type === 'emit') this.#hear(effect)
  }

  #hear({ event }: Extract<Effect, { type: 'emit' }>): void {
    switch (event.type) {
      case 'endpointStateChanged':
        expect(event.from).toBe(this.states.get(event.endpoint) ?? 'UNKNOWN')
        this.states.set(event.endpoint, event.to)
        break
      case 'clusterStateChanged':
        expect(event.from).toBe(this.clusterState)
        this.clusterState = event.to
        break
      case 'failoverCompleted':
      case 'switchoverCompleted':
      case 'failbackCompleted':
        expect(event.from).not.toBe(event.endpoint)
        expect(event.epoch).toBe(this.epoch + 1)
        this.epoch = event.epoch
        break
    }
  }

  /** Endpoints that have left are pools of their own, and one of the same name begins anew. */
  forgetUnless(ids: readonly string[]): void {
    for (const each of KNOWN) {
      if (ids.includes(each)) continue
      for (const memory of [this.serving, this.required, this.states]) memory.delete(each)
    }
  }
}

/** Feeds a history to a reducer, and calls `check` after each observation. */
function replay(
  reducer: Reducer,
  by: Rules,
  before: ClusterView,
  steps: readonly (Observation | Pause)[],
  check: (view: ClusterView, world: World, effects: readonly Effect[]) => void = () => {},
): { view: ClusterView; effects: readonly Effect[] } {
  const world = new World(before)
  const all: Effect[] = []
  let view = frozen(before)
  let now = 0
  for (const step of steps) {
    now += typeof step === 'number' ? step : 1
    if (typeof step === 'number') continue
    if (step.type === 'elapsed' && !world.timers.delete(step.timer)) continue
    const decision = reducer(view, frozen(step), { now, wallTime: now }, by)
    view = frozen(decision.view)
    for (const each of decision.effects) world.carryOut(each)
    all.push(...decision.effects)
    world.forgetUnless(view.endpoints.map((each) => each.id))
    check(view, world, decision.effects)
  }
  return { view, effects: all }
}

test('a view and an observation are never changed, and a history that is replayed leads to the same', () => {
  fc.assert(
    fc.property(rules, history, (by, steps) => {
      const first = replay(reduce, by, unseenCluster(LISTED, by), steps)
      const again = replay(reduce, by, unseenCluster(LISTED, by), steps)
      expect(again.effects).toEqual(first.effects)
      expect(again.view).toEqual(first.view)
    }),
  )
})

test('pools, timers and listeners get what the view holds', () => {
  fc.assert(
    fc.property(rules, history, (by, steps) => {
      replay(reduce, by, unseenCluster(LISTED, by), steps, (view, world) => {
        expect(world.clusterState).toBe(view.state)
        expect(world.epoch).toBe(view.epoch)
        for (const { id: each, standing } of view.endpoints) {
          expect(world.states.get(each) ?? 'UNKNOWN').toBe(standing.state)
          const serving = world.serving.get(each)
          if (serving !== undefined) expect(serving).toBe(stateIs(standing.state, 'serves'))
        }
        const searching = view.search !== undefined && view.search.phase !== 'exhausted'
        expect(world.timers.has('search')).toBe(searching)
      })
    }),
  )
})

test('at most one endpoint is lent for writes, it is one of the list, and no caller goes to one that is lost', () => {
  fc.assert(
    fc.property(rules, history, (by, steps) => {
      replay(reduce, by, unseenCluster(LISTED, by), steps, (view, world) => {
        const writers = [...world.required].filter(([, role]) => role === 'primary')
        expect(writers.length).toBeLessThanOrEqual(1)
        if (view.writer === undefined) return
        const writer = view.endpoints.find((each) => each.id === view.writer)
        expect(writer).toBeDefined()
        if (writer === undefined) return
        expect(stateIs(writer.standing.state, 'lost')).toBe(false)
        expect(writer.doubt).toBeUndefined()
        if (by.kind === 'role') expect(writers.map(([each]) => each)).toEqual([view.writer])
      })
    }),
  )
})

test('waiters move once, after every pool knows its part, and only what serves them comes after that', () => {
  fc.assert(
    fc.property(rules, history, (by, steps) => {
      replay(reduce, by, unseenCluster(LISTED, by), steps, (_view, _world, effects) => {
        const moved = effects.findIndex((each) => each.type === 'reroute')
        if (moved === -1) return
        for (const each of effects.slice(moved + 1))
          expect(each).toMatchObject({ type: 'tell', change: { serving: true } })
      })
    }),
  )
})

test('after the end nothing is changed, and nothing is done', () => {
  fc.assert(
    fc.property(rules, history, observation, (by, steps, late) => {
      const { view } = replay(reduce, by, unseenCluster(LISTED, by), [
        ...steps,
        { type: 'stopped' },
      ])
      const decision = reduce(view, late, { now: 1, wallTime: 1 }, by)
      expect(decision.effects).toEqual([])
      expect(decision.view).toBe(view)
    }),
  )
})

test('a fixed cluster never leaves its writer', () => {
  const by = rulesOf('fixed')
  fc.assert(
    fc.property(history, (steps) => {
      const { effects, view } = replay(
        reduceFixed,
        by,
        unseenCluster(LISTED, by),
        steps,
        ({ writer }) => expect(writer).toBe('a'),
      )
      expect(view.epoch).toBe(0)
      const reported = effects.flatMap((each) => (each.type === 'emit' ? [each.event.type] : []))
      expect(reported.filter((type) => /failover|switchover|failback/.test(type))).toEqual([])
    }),
  )
})
