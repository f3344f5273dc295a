import fc from 'fast-check'
import { MOST_FINDINGS, type ResolvedRule, RuleWatch } from './rule-watch.js'

const RULE: ResolvedRule = {
  name: 'Broken',
  severity: 'warning',
  forMs: 0,
  keepFiringForMs: 0,
  labels: {},
  annotations: {},
}
const finding = (endpoint: string, summary = 'broken') => ({ summary, labels: { endpoint } })

describe('a rule on a manager', () => {
  test('has an alert for each finding, known by its labels and not by what it says', () => {
    const watch = new RuleWatch(RULE, { pool: 'orders' })
    const fired = watch.observe([finding('a'), finding('b'), finding('a', 'again')], 0)
    expect(fired.map(({ labels }) => labels)).toEqual([
      { alertname: 'Broken', severity: 'warning', pool: 'orders', endpoint: 'a' },
      { alertname: 'Broken', severity: 'warning', pool: 'orders', endpoint: 'b' },
    ])
    expect(watch.observe([finding('a', 'still'), finding('b')], 5)).toEqual([])
    const [resolved] = watch.observe([finding('b')], 10)
    expect(resolved).toMatchObject({ key: fired[0]?.key, state: { phase: 'resolved' } })
    // What was wrong, not what the latest evaluation has not found.
    expect(resolved?.finding.summary).toBe('still')
    expect(watch.instances.map(({ labels }) => labels.endpoint)).toEqual(['b'])
  })

  test('tells of each alert in turn that it fires and that it is resolved, whatever comes and goes', () => {
    const evaluations = fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c')), { maxLength: 40 })
    const times = fc.record({
      forMs: fc.integer({ max: 3, min: 0 }),
      keepFiringForMs: fc.integer({ max: 3, min: 0 }),
    })
    fc.assert(
      fc.property(evaluations, times, (rounds, chosen) => {
        const watch = new RuleWatch({ ...RULE, ...chosen }, {})
        const firing = new Set<string>()
        for (const [nowMs, round] of rounds.entries()) {
          for (const { key, state } of watch.observe(
            round.map((each) => finding(each)),
            nowMs,
          )) {
            expect(state.phase).toBe(firing.has(key) ? 'resolved' : 'firing')
            if (!firing.delete(key)) firing.add(key)
          }
          const shown = watch.instances.filter(({ state }) => state.phase === 'firing')
          expect(new Set(shown.map(({ key }) => key))).toEqual(firing)
        }
        for (const { key } of watch.observe([], rounds.length, true)) firing.delete(key)
        expect(firing.size).toBe(0)
        expect(watch.instances).toEqual([])
      }),
    )
  })

  test('keeps a bounded number of findings apart', () => {
    const watch = new RuleWatch(RULE, {})
    watch.observe(
      Array.from({ length: 10_000 }, (_, index) => finding(`e${index}`)),
      0,
    )
    expect(watch.instances).toHaveLength(MOST_FINDINGS)
  })

  test('leaves out empty labels and puts names into the form that Prometheus has', () => {
    const watch = new RuleWatch(RULE, { 'my-team': 'db', empty: '' })
    const [alert] = watch.observe([{ summary: 's', labels: { '1st.place': 'x' } }], 0)
    expect(alert?.labels).toEqual({
      _1st_place: 'x',
      alertname: 'Broken',
      my_team: 'db',
      severity: 'warning',
    })
  })
})
