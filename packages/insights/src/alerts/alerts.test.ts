import { AsyncLocalStorage } from 'node:async_hooks'
import { FakeClock } from '@connmgr/testing'
import { end, fakeManager, type Watched, watch } from '../../test/alerts/watched.js'
import type { Alert } from './alert.js'
import { alerts } from './alerts.js'
import { rules } from './rules.js'

describe('alerts', () => {
  let w: Watched
  afterEach(() => end(w))

  test('fires after forMs, resolves after keepFiringForMs, and says who holds the connections', async () => {
    w = watch({ rules: [rules.poolExhausted({ forMs: 5000, keepFiringForMs: 3000 })] })
    async function checkout() {
      return Promise.all([w.manager.acquire(), w.manager.acquire({ label: 'import' })])
    }
    const leases = await checkout()
    const waiting = w.manager.acquire()
    await w.clock.advance(5500)
    expect(w.news()).toEqual([])
    expect(w.alerts.status().alerts).toMatchObject([
      { rule: 'ConnmgrPoolExhausted', phase: 'pending', heldForMs: 4000, severity: 'critical' },
    ])
    await w.clock.advance(1000)
    expect(w.news()).toEqual(['firing ConnmgrPoolExhausted'])
    const [alert] = w.reported as [Alert]
    expect(alert).toMatchObject({
      labels: {
        alertname: 'ConnmgrPoolExhausted',
        severity: 'critical',
        pool: 'fake',
        instance: 'web-1',
      },
      value: 1,
      endsAt: undefined,
      diagnosis: { inUse: 2, limit: 2, waiting: 1, clusterState: 'STEADY', activeEndpoint: 'a' },
    })
    expect(alert.startsAt.getTime()).toBe(Date.UTC(2030, 0, 1) + 6000)
    expect(alert.annotations.summary).toBe(
      '2 of 2 connections of "fake" are in use, and 1 caller waits',
    )
    expect(alert.annotations.holders).toMatch(
      /^checkout \(.*alerts\.test\.ts:\d+:\d+\) holds connection 1 for 6\.0 s/,
    )
    expect(alert.annotations.holders).toMatch(/"import" checkout \(.*alerts\.test\.ts/)
    for (const lease of leases) lease.release()
    ;(await waiting).release()
    await w.clock.advance(2400)
    expect(w.news()).toEqual([])
    await w.clock.advance(200)
    expect(w.news()).toEqual(['resolved ConnmgrPoolExhausted'])
    expect(w.reported[1]).toMatchObject({
      key: alert.key,
      startsAt: alert.startsAt,
      endsAt: expect.any(Date),
    })
    expect(w.alerts.status().alerts).toEqual([])
  })

  test('time in which the process stood still does not count', async () => {
    w = watch({ rules: [{ name: 'Always', forMs: 10_000, when: () => true }] })
    await w.clock.advance(2000)
    w.clock.stall(600_000)
    await w.clock.advance(0)
    expect(w.news()).toEqual([])
    expect(w.alerts.status().alerts).toMatchObject([{ phase: 'pending', heldForMs: 3000 }])
    await w.clock.advance(7000)
    expect(w.news()).toEqual(['firing Always'])
  })

  test("a rule of the user's own is a function, and says true or what it has found", async () => {
    let outcome: unknown = true
    function nightJobs() {
      return outcome as boolean
    }
    w = watch({ rules: [nightJobs, () => outcome as boolean] })
    await w.clock.advance(1000)
    expect(w.news()).toEqual(['firing nightJobs', 'firing Rule2'])
    expect(w.reported[0]?.annotations.summary).toBe('nightJobs holds')
    outcome = [
      { summary: 'job 1 is late', labels: { job: '1' }, value: 3 },
      { summary: 'job 2 is late', labels: { job: '2' }, annotations: { runbook_url: 'https://x' } },
    ]
    await w.clock.advance(1000)
    expect(
      w.reported
        .slice(2)
        .map(({ annotations, labels, status }) => [status, labels.job, annotations.summary]),
    ).toEqual(
      expect.arrayContaining([
        ['resolved', undefined, 'nightJobs holds'],
        ['firing', '1', 'job 1 is late'],
        ['firing', '2', 'job 2 is late'],
      ]),
    )
  })

  test('a rule that fails leaves its alerts as they are, is reported once, and harms no other rule', async () => {
    let fails = false
    const broken = (): boolean => {
      if (fails) throw new Error('cannot read with password=hunter2')
      return true
    }
    w = watch({ rules: [broken, { name: 'Other', when: () => fails }] })
    await w.clock.advance(1000)
    expect(w.news()).toEqual(['firing broken'])
    fails = true
    await w.clock.advance(5000)
    expect(w.news()).toEqual(['firing Other'])
    expect(w.problems).toMatchObject([{ kind: 'rule-failed', name: 'broken' }])
    expect(w.problems[0]?.message).not.toContain('hunter2')
    fails = false
    await w.clock.advance(1000)
    expect(w.problems.map(({ kind }) => kind)).toEqual(['rule-failed', 'rule-recovered'])
    expect(w.news()).toEqual(['resolved Other'])
  })

  test.each([
    ['a promise', () => Promise.resolve(true), /promise/],
    ['a text', () => 'bad', /findings with a summary/],
    ['a finding without a summary', () => ({ labels: {} }), /findings with a summary/],
  ])('refuses %s as the outcome of a rule', async (_, when, message) => {
    w = watch({ rules: [{ name: 'Odd', when: when as never }] })
    await w.clock.advance(2000)
    expect(w.news()).toEqual([])
    expect(w.problems.map((problem) => problem.message)).toEqual([expect.stringMatching(message)])
  })

  test('managers of one name have alerts of their own, and a manager that closes has none', async () => {
    const clock = new FakeClock()
    const managers = [fakeManager(clock), fakeManager(clock), fakeManager(clock, { name: 'users' })]
    w = watch({
      rules: [{ name: 'Always', keepFiringForMs: 60_000, when: () => true }],
      managers,
      clock,
    })
    await clock.advance(1000)
    expect(w.reported.map(({ labels }) => [labels.pool, labels.manager])).toEqual([
      ['fake', undefined],
      ['fake', '2'],
      ['users', undefined],
    ])
    expect(new Set(w.reported.map(({ key }) => key)).size).toBe(3)
    const closing = managers[1]?.close({ drainTimeoutMs: 1 })
    await clock.advance(1000)
    await closing
    await clock.advance(1000)
    expect(w.reported.slice(3).map(({ labels, status }) => [status, labels.manager])).toEqual([
      ['resolved', '2'],
    ])
    for (const each of managers) {
      const end = each.close({ drainTimeoutMs: 1 })
      await clock.advance(2000)
      await end
    }
    const closed = w.alerts.close()
    await clock.advance(10_000)
    await closed
  })

  test('watches every manager of the process unless it is given some', async () => {
    const clock = new FakeClock()
    w = watch({
      managers: undefined,
      clock,
      rules: [{ name: 'Always', when: ({ pool }) => pool === 'late' }],
    })
    await clock.advance(1000)
    const late = fakeManager(clock, { name: 'late' })
    await clock.advance(1000)
    expect(w.news()).toEqual(['firing Always'])
    const closing = late.close({ drainTimeoutMs: 1 })
    await clock.advance(2000)
    await closing
    expect(w.news()).toEqual(['resolved Always'])
    const closed = w.alerts.close()
    await clock.advance(10_000)
    await closed
  })

  test('closing resolves what fires, delivers it, and evaluates no more', async () => {
    w = watch({ rules: [{ name: 'Always', when: () => true }] })
    await w.clock.advance(1000)
    await w.alerts.close()
    expect(w.news()).toEqual(['firing Always', 'resolved Always'])
    w.alerts.evaluate()
    await w.clock.advance(10_000)
    expect(w.news()).toEqual([])
    expect(w.alerts.close()).toBe(w.alerts.close())
  })

  test('closing with a wrong option changes nothing', async () => {
    w = watch({ rules: [{ name: 'Always', when: () => true }] })
    await expect(w.alerts.close({ drainTimeoutMs: Number.NaN })).rejects.toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      option: 'drainTimeoutMs',
    })
    await w.clock.advance(1000)
    expect(w.news()).toEqual(['firing Always'])
  })

  test('closing can leave alerts firing', async () => {
    w = watch({ rules: [{ name: 'Always', when: () => true }] })
    await w.clock.advance(1000)
    await w.alerts.close({ resolve: false })
    expect(w.news()).toEqual(['firing Always'])
  })

  test('closing waits no longer than its deadline for a sink that hangs', async () => {
    w = watch({
      rules: [{ name: 'Always', when: () => true }],
      sinks: [() => new Promise(() => {})],
    })
    await w.clock.advance(1000)
    let closed = false
    void w.alerts.close({ drainTimeoutMs: 3000 }).then(() => {
      closed = true
    })
    await w.clock.advance(2999)
    expect([closed, w.clock.pendingKeepAliveTimers]).toEqual([false, 1])
    await w.clock.advance(1)
    expect([closed, w.clock.pendingKeepAliveTimers]).toEqual([true, 0])
  })

  test('has one timer, which keeps no process running', async () => {
    w = watch()
    const before = w.clock.pendingTimers
    await w.clock.advance(30_000)
    expect(w.clock.pendingTimers).toBe(before)
    expect(w.clock.pendingKeepAliveTimers).toBe(0)
    expect(w.reported).toEqual([])
    expect(w.problems).toEqual([])
  })

  test('rules and sinks run outside of the flow of those who ask for an evaluation', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    w = watch({
      rules: [{ name: 'Always', when: () => seen.push(storage.getStore()) > 0 }],
      sinks: [() => void seen.push(storage.getStore())],
    })
    storage.run('a request', () => w.alerts.evaluate())
    await w.clock.settle()
    expect(seen).toEqual([undefined, undefined])
  })
})

describe('the options of alerts', () => {
  const sink = (): void => {}
  test.each([
    [{}, /option "sinks" must be an array of at least one sink/],
    [{ sinks: [] }, /option "sinks" must be an array of at least one sink/],
    [
      { sinks: 'https://hooks.slack.com/services/s3cr3t' },
      /option "sinks" must be an array .* of type string/,
    ],
    [{ sinks: ['https://hooks.slack.com/services/s3cr3t'] }, /option "sinks\[0\]" must be a sink/],
    [{ sinks: [sink], rules: rules.leaks() }, /option "rules" must be an array/],
    [{ sinks: [sink], rules: [{ name: 'a' }] }, /option "rules\[0\].when" must be a function/],
    [
      { sinks: [sink], rules: [{ name: 'a', when: sink, forMS: 1 }] },
      /unknown option "forMS" in rules\[0\]; did you mean "forMs"/,
    ],
    [
      { sinks: [sink], rules: [{ name: 'a', when: sink, forMs: -1 }] },
      /option "rules\[0\].forMs" must be a number/,
    ],
    [
      { sinks: [sink], rules: [{ name: 'a', when: sink, severity: 'page' }] },
      /severity" must be one of info, warning, critical/,
    ],
    [{ sinks: [sink], rules: [rules.leaks(), rules.leaks()] }, /as another rule does/],
    [{ sinks: [sink], intervalMs: 0 }, /option "intervalMs" must be/],
    [{ sinks: [sink], labels: { 'a-b': 'x' } }, /option "labels" must be labels whose names/],
    [{ sinks: [sink], managers: [{}] }, /option "managers" must be connection managers/],
    [{ sinks: [sink], insights: {} }, /option "insights" must be/],
    [
      { sinks: [sink], intervalMS: 5 },
      /unknown option "intervalMS" in the options of alerts; did you mean "intervalMs"/,
    ],
  ])('refuses %j', (options, message) => {
    const attempt = (): unknown => alerts(options as never)
    expect(attempt).toThrow(message)
    expect(attempt).not.toThrow(/s3cr3t/)
  })

  test('of rules are checked as well', () => {
    expect(() => rules.errorRate({ ratio: 5 })).toThrow(
      /option "ratio" must be a number from 0 to 1/,
    )
    expect(() => rules.replicationLag({ maxLag: 5 } as never)).toThrow(/did you mean "maxLagMs"/)
  })
})
