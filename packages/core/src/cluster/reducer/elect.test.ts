import fc from 'fast-check'
import type { EndpointState } from '../../vocabulary/states.js'
import {
  type Candidate,
  type ElectionMemory,
  elect as electBy,
  electInOrder,
  type OrderOf,
} from './elect.js'

const primary = (id: string, more: Partial<Candidate> = {}): Candidate => ({
  id,
  state: 'UP',
  role: 'primary',
  writable: true,
  history: '1',
  server: id,
  ...more,
})
const standby = (id: string, more: Partial<Candidate> = {}): Candidate =>
  primary(id, { role: 'standby', writable: false, ...more })
const memory = (more: Partial<ElectionMemory> = {}): ElectionMemory => ({
  writer: undefined,
  ...more,
})

/** Histories are numbers that rise with each promotion. */
const byNumber: OrderOf = (one, other) => {
  const more = Number(one) - Number(other)
  return more > 0 ? 'newer' : more < 0 ? 'older' : 'same'
}
const elect = (candidates: readonly Candidate[], remembered: ElectionMemory) =>
  electBy(candidates, remembered, byNumber)

describe('an election in a replicated cluster', () => {
  test('takes the one writable primary', () => {
    expect(elect([standby('a'), primary('b')], memory())).toEqual({
      outcome: 'writer',
      id: 'b',
      fenced: [],
    })
  })

  test.each<[string, Candidate[], string]>([
    ['nothing answers', [primary('a', { state: 'DOWN' })], 'no endpoint answers'],
    [
      'only standbys answer',
      [standby('a'), primary('b', { state: 'DOWN' })],
      'only standbys answer',
    ],
    [
      'the primary is read-only',
      [primary('a', { writable: false }), standby('b')],
      'the primary refuses writes: it is set to be read-only',
    ],
    ['another cluster answers', [primary('a', { state: 'QUARANTINED' })], 'no endpoint answers'],
    ['the primary is suspect', [primary('a', { state: 'SUSPECT' })], 'no endpoint answers'],
  ])('has no winner when %s', (_name, candidates, reason) => {
    expect(elect(candidates, memory())).toEqual({ outcome: 'none', fenced: [], reason })
  })

  test('the writer without a connection to spare stays the writer, unless it has been left', () => {
    const busy = [primary('a', { state: 'BUSY' }), standby('b')]
    expect(elect(busy, memory({ writer: 'a' }))).toMatchObject({ outcome: 'writer', id: 'a' })
    expect(elect(busy, memory({ writer: 'a', left: true })).outcome).toBe('none')
    expect(elect(busy, memory()).outcome).toBe('none')
  })

  test('a primary of an older history than the latest seen is fenced, even alone', () => {
    expect(elect([primary('a', { history: '3' })], memory({ latest: '4' }))).toEqual({
      outcome: 'none',
      fenced: ['a'],
      reason: 'a claims to be the primary, but of an older history',
    })
  })

  test('of two primaries the newer history wins and the other is fenced', () => {
    const candidates = [primary('old', { history: '4' }), primary('new', { history: '5' })]
    expect(elect(candidates, memory({ writer: 'old', latest: '4' }))).toEqual({
      outcome: 'writer',
      id: 'new',
      fenced: ['old'],
    })
  })

  test('equal histories of two servers are a split brain, and neither gets writes', () => {
    expect(elect([primary('a'), primary('b')], memory({ writer: 'a' }))).toMatchObject({
      outcome: 'split-brain',
      reason: 'a and b both claim to be the primary of one history (1)',
    })
  })

  test('one server under two names is one server, and the name in use stays', () => {
    const candidates = [primary('a', { server: 'x' }), primary('b', { server: 'x' })]
    expect(elect(candidates, memory({ writer: 'b' }))).toEqual({
      outcome: 'writer',
      id: 'b',
      fenced: [],
    })
  })

  test('a name that is no longer in use gives way to another of the same server, but to no other server', () => {
    const same = [primary('a', { server: 'x', named: false }), primary('b', { server: 'x' })]
    expect(elect(same, memory({ writer: 'a' }))).toMatchObject({ outcome: 'writer', id: 'b' })
    const alone = [primary('a', { named: false }), standby('b')]
    expect(elect(alone, memory({ writer: 'a' }))).toMatchObject({ outcome: 'writer', id: 'a' })
  })

  test('equal claims leave the present writer its place if the options say so, and no other server', () => {
    const claims = [primary('a'), primary('b')]
    expect(elect(claims, memory({ writer: 'b', splitBrain: 'stay' }))).toMatchObject({ id: 'b' })
    expect(elect(claims, memory({ writer: 'c', splitBrain: 'stay' }))).toMatchObject({
      outcome: 'split-brain',
    })
  })

  test('a writer with no connection left for the probe stays the writer; another such server does not become one', () => {
    const busy = [primary('a', { state: 'BUSY' }), standby('b')]
    expect(elect(busy, memory({ writer: 'a' }))).toMatchObject({ outcome: 'writer', id: 'a' })
    expect(elect(busy, memory())).toMatchObject({ outcome: 'none' })
  })

  test('a primary of an older history than a standby is fenced: the standby followed a promotion', () => {
    const candidates = [primary('a', { history: '1' }), standby('b', { history: '2' })]
    expect(elect(candidates, memory())).toMatchObject({ outcome: 'none', fenced: ['a'] })
    expect(elect(candidates, memory({ accepted: ['2'] }))).toMatchObject({ id: 'a' })
    const down = [primary('a'), standby('b', { history: '2', state: 'DOWN' })]
    expect(elect(down, memory())).toMatchObject({ id: 'a' })
  })
})

describe('an election with a primary that does not tell its history', () => {
  const silent = (id: string, more: Partial<Candidate> = {}): Candidate =>
    primary(id, { history: undefined, ...more })

  test('takes it while no history is known, whatever standbys tell', () => {
    expect(elect([silent('a'), standby('b')], memory())).toMatchObject({ id: 'a' })
  })

  test('takes it if it is the present writer, or was seen to be promoted', () => {
    const known = { latest: '7' }
    expect(elect([silent('a')], memory({ ...known, writer: 'a' }))).toMatchObject({ id: 'a' })
    expect(elect([silent('a', { promoted: true })], memory(known))).toMatchObject({ id: 'a' })
  })

  test('refuses any other once a history is known, unless the options say stay', () => {
    expect(elect([silent('a')], memory({ latest: '7' }))).toMatchObject({
      outcome: 'none',
      fenced: ['a'],
      reason:
        'a claims to be the primary, but does not tell its history, and another was the primary since',
    })
    expect(elect([silent('a')], memory({ latest: '7', splitBrain: 'stay' }))).toMatchObject({
      id: 'a',
    })
  })

  test('refuses one after which another was promoted, even as the last one that answers', () => {
    const old = silent('a', { superseded: true })
    expect(elect([old], memory({ writer: 'a' }))).toMatchObject({ outcome: 'none', fenced: ['a'] })
    expect(elect([old, silent('b', { promoted: true })], memory())).toMatchObject({
      id: 'b',
      fenced: ['a'],
    })
    expect(elect([old], memory({ splitBrain: 'stay' }))).toMatchObject({ id: 'a' })
  })

  test('cannot tell which is newer beside one that tells', () => {
    expect(elect([silent('a'), primary('b')], memory({ writer: 'a' }))).toMatchObject({
      outcome: 'split-brain',
      reason: 'a and b both claim to be the primary (a without telling its history)',
    })
  })
})

/** Histories are sets of transactions, one letter each, which prove no promotion. */
const byContents: OrderOf = (one, other) => {
  const lacks = (set: string, of: string): boolean => [...of].some((each) => !set.includes(each))
  if (lacks(one, other)) return lacks(other, one) ? 'diverged' : 'behind'
  return lacks(other, one) ? 'ahead' : 'equal'
}

describe('an election where histories show what was written, and no promotions', () => {
  const holding = (id: string, history: string, more: Partial<Candidate> = {}): Candidate =>
    primary(id, { history, ...more })
  const electing = (candidates: Candidate[], more: Partial<ElectionMemory> = {}) =>
    electBy(candidates, memory(more), byContents)

  test('of two primaries takes the one that has what the other has, and more', () => {
    expect(electing([holding('a', 'xy'), holding('b', 'xyz')])).toEqual({
      outcome: 'writer',
      id: 'b',
      fenced: ['a'],
    })
  })

  test.each([
    ['equal', 'xy', 'xy', 'of one history (xy)'],
    ['diverged', 'xy', 'xz', 'of histories that cannot be distinguished (xy, xz)'],
  ])('of two whose histories are %s takes none', (_name, one, other, how) => {
    expect(electing([holding('a', one), holding('b', other)])).toMatchObject({
      outcome: 'split-brain',
      reason: `a and b both claim to be the primary ${how}`,
    })
  })

  test('takes the one that was seen to be promoted, also if it lacks the last writes of the lost one', () => {
    const promoted = holding('b', 'xy', { promoted: true })
    expect(electing([promoted], { writer: 'a', latest: 'xyz' })).toMatchObject({ id: 'b' })
    expect(
      electing([holding('a', 'xyz', { superseded: true }), promoted], {
        writer: 'b',
        latest: 'xy',
      }),
    ).toMatchObject({ id: 'b', fenced: ['a'] })
  })

  test('takes one that was not seen before only if it lacks nothing that is known', () => {
    expect(electing([holding('b', 'xyz')], { writer: 'a', latest: 'xyz' })).toMatchObject({
      id: 'b',
    })
    expect(electing([holding('b', 'xyzw')], { writer: 'a', latest: 'xyz' })).toMatchObject({
      id: 'b',
    })
    expect(electing([holding('b', 'xy')], { writer: 'a', latest: 'xyz' })).toMatchObject({
      outcome: 'none',
      fenced: ['b'],
    })
    expect(electing([holding('b', 'xw')], { writer: 'a', latest: 'xyz' })).toMatchObject({
      outcome: 'none',
      fenced: ['b'],
    })
  })

  test('keeps the writer that has lost its last writes in a crash', () => {
    const standbyAhead = standby('b', { history: 'xyz' })
    expect(
      electing([holding('a', 'xy'), standbyAhead], { writer: 'a', latest: 'xyz' }),
    ).toMatchObject({ outcome: 'writer', id: 'a' })
  })

  test('takes the only primary at the start, whatever standbys have', () => {
    expect(electing([holding('a', 'xy'), standby('b', { history: 'xyz' })])).toMatchObject({
      id: 'a',
    })
  })
})

describe('whatever the servers say', () => {
  const candidates = fc
    .array(
      fc.record({
        state: fc.constantFrom<EndpointState[]>(
          'UNKNOWN',
          'UP',
          'SUSPECT',
          'DOWN',
          'PROBATION',
          'STARTING',
          'BUSY',
          'QUARANTINED',
          'FENCED',
        ),
        role: fc.constantFrom('primary', 'standby', 'unknown'),
        writable: fc.boolean(),
        history: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
        server: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
        promoted: fc.boolean(),
        superseded: fc.boolean(),
      }),
      { maxLength: 4 },
    )
    .map((list) => list.map((each, index): Candidate => ({ id: `e${index}`, ...each })))
  const memories = fc.record({
    writer: fc.option(fc.constantFrom('e0', 'e1', 'e2'), { nil: undefined }),
    latest: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
  })

  test('the writer is a writable primary, never fenced, never of an older history', () => {
    fc.assert(
      fc.property(candidates, memories, (list, remembered) => {
        const election = elect(list, remembered)
        if (election.outcome !== 'writer') return
        const writer = list.find((each) => each.id === election.id)
        expect(writer).toMatchObject({ role: 'primary', writable: true })
        expect(election.fenced).not.toContain(election.id)
        expect(Number(writer?.history ?? 3)).toBeGreaterThanOrEqual(Number(remembered.latest ?? 0))
      }),
    )
  })

  test('the writer is never one that cannot show that nothing has come after it', () => {
    fc.assert(
      fc.property(candidates, memories, (list, remembered) => {
        const election = elect(list, remembered)
        if (election.outcome !== 'writer') return
        const writer = list.find((each) => each.id === election.id) as Candidate
        const standbys = list.filter(
          ({ role, state }) => role === 'standby' && ['UP', 'PROBATION', 'FENCED'].includes(state),
        )
        if (writer.history !== undefined) {
          for (const { history = '0' } of standbys)
            expect(Number(history)).toBeLessThanOrEqual(Number(writer.history))
          return
        }
        expect(writer.superseded).toBe(false)
        const seen = writer.promoted || writer.id === remembered.writer
        expect(seen || remembered.latest === undefined).toBe(true)
      }),
    )
  })

  test('a server that has not shown that it belongs to the cluster changes nothing, whatever it claims', () => {
    fc.assert(
      fc.property(candidates, candidates, memories, (list, claims, remembered) => {
        const rogues = claims.map((each) => ({
          ...each,
          id: `rogue ${each.id}`,
          state: 'UNPROVEN' as const,
        }))
        const alone = elect(list, remembered)
        const among = elect([...rogues, ...list], remembered)
        expect({ ...among, reason: '' }).toEqual({ ...alone, reason: '' })
      }),
    )
  })

  test('the order of the endpoints decides nothing between different servers', () => {
    fc.assert(
      fc.property(candidates, memories, (list, remembered) => {
        const distinct = list.map((each) => ({ ...each, server: each.id }))
        const forwards = elect(distinct, remembered)
        const backwards = elect([...distinct].reverse(), remembered)
        expect(backwards.outcome).toBe(forwards.outcome)
        if (forwards.outcome === 'writer') expect(backwards).toMatchObject({ id: forwards.id })
      }),
    )
  })

  test('in order, a server serves exactly if one answers', () => {
    fc.assert(
      fc.property(candidates, memories, (list, remembered) => {
        const answering = list.some((each) => ['UP', 'PROBATION', 'FENCED'].includes(each.state))
        const kept = list.some((each) => each.state === 'BUSY' && each.id === remembered.writer)
        expect(electInOrder(list, remembered).outcome).toBe(answering || kept ? 'writer' : 'none')
      }),
    )
  })
})

describe('an election in order', () => {
  test.each<[string, EndpointState[], string | undefined, string]>([
    ['the first that is trusted', ['UP', 'UP'], 'e1', 'e0'],
    ['the next when the first is down', ['DOWN', 'UP'], 'e0', 'e1'],
    ['the current one while the first is on probation', ['PROBATION', 'UP'], 'e1', 'e1'],
    [
      'the current one rather than an untrusted earlier one',
      ['PROBATION', 'PROBATION'],
      'e1',
      'e1',
    ],
    ['the one that answers if none is trusted', ['DOWN', 'PROBATION'], 'e0', 'e1'],
    ['the current one while it is merely busy', ['BUSY', 'PROBATION'], 'e0', 'e0'],
  ])('takes %s', (_name, states, writer, expected) => {
    const list = states.map((state, index) => primary(`e${index}`, { state }))
    expect(electInOrder(list, memory({ writer }))).toMatchObject({ id: expected })
  })
})
