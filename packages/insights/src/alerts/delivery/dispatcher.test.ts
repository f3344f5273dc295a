import { FakeClock } from '@connmgr/testing'
import { testAlert } from '../../../test/alerts/test-alert.js'
import type { Alert, AlertSink } from '../alert.js'
import type { AlertProblem } from '../problem.js'
import { AlertDeliveryError, AlertRefusedError } from './alert-errors.js'
import { Dispatcher } from './dispatcher.js'

function setUp(sink: Partial<AlertSink> = {}) {
  const clock = new FakeClock()
  const problems: AlertProblem[] = []
  const delivered: (readonly Alert[])[] = []
  const state: { fail: (alerts: readonly Alert[]) => unknown } = { fail: () => undefined }
  const dispatcher = new Dispatcher(
    {
      name: 'test',
      timeoutMs: 1000,
      resendMs: 0,
      resendResolvedForMs: 0,
      maxBatch: 10,
      only: () => true,
      sendResolved: true,
      deliver: async (alerts) => {
        await state.fail(alerts)
        delivered.push(alerts)
      },
      ...sink,
    },
    clock,
    (problem) => problems.push(problem),
  )
  return { clock, problems, delivered, state, dispatcher }
}
const fails = (): never => {
  throw new Error('connect ECONNREFUSED')
}
const resolved = (alert: Alert): Alert => ({ ...alert, status: 'resolved', endsAt: new Date(0) })

test('delivers again, later and later, until the receiver takes it; the newest state alone', async () => {
  const { clock, delivered, dispatcher, problems, state } = setUp()
  const attempts: number[] = []
  state.fail = () => {
    attempts.push(clock.now())
    fails()
  }
  const [a, b] = [testAlert({ endpoint: 'a' }), testAlert({ endpoint: 'b' })]
  dispatcher.post([a, b])
  await clock.advance(120_000)
  const pauses = attempts.slice(1).map((at, index) => at - (attempts[index] as number))
  for (const [index, pause] of pauses.entries()) {
    const fullMs = Math.min(30_000, 1000 * 2 ** index)
    expect(pause).toBeGreaterThanOrEqual(fullMs / 2)
    expect(pause).toBeLessThanOrEqual(fullMs)
  }
  expect(pauses.length).toBeGreaterThan(6)
  dispatcher.post([resolved(a)])
  state.fail = () => undefined
  await clock.advance(30_000)
  expect(delivered).toEqual([[resolved(a), b]])
  expect(problems.map(({ kind }) => kind)).toEqual(['delivery-failed', 'delivery-recovered'])
  expect(dispatcher.status).toMatchObject({
    queued: 0,
    delivered: 2,
    failures: 0,
    lastError: undefined,
  })
})

test('delivers what has changed during a delivery after it', async () => {
  const { clock, delivered, dispatcher, state } = setUp()
  let finish = (): void => {}
  state.fail = () => new Promise<void>((resolve) => (finish = resolve))
  const alert = testAlert()
  dispatcher.post([alert])
  await clock.settle()
  dispatcher.post([resolved(alert)])
  await clock.settle()
  expect(delivered).toEqual([])
  finish()
  await clock.settle()
  finish()
  await clock.settle()
  expect(delivered).toEqual([[alert], [resolved(alert)]])
})

test('a delivery that hangs is given up after its time, and what it does later counts for nothing', async () => {
  const { clock, delivered, dispatcher } = setUp({
    timeoutMs: 500,
    deliver: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signals.push(signal)
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  })
  const signals: AbortSignal[] = []
  dispatcher.post([testAlert()])
  await clock.advance(499)
  expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  await clock.advance(1)
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  expect(dispatcher.status).toMatchObject({
    queued: 1,
    failures: 1,
    lastError: 'it took longer than 500 ms',
  })
  await clock.advance(1000)
  expect(signals).toHaveLength(2)
  expect(delivered).toEqual([])
})

test('a receiver that asks for patience gets it', async () => {
  const { clock, delivered, dispatcher, state } = setUp()
  state.fail = () => {
    throw new AlertDeliveryError('busy', { retryAfterMs: 45_000 })
  }
  dispatcher.post([testAlert()])
  await clock.settle()
  state.fail = () => undefined
  await clock.advance(44_999)
  expect(delivered).toHaveLength(0)
  await clock.advance(1)
  expect(delivered).toHaveLength(1)
})

test('of alerts that are refused together, only the one that cannot be taken is dropped', async () => {
  const { clock, delivered, dispatcher, problems, state } = setUp()
  const bad = testAlert({ endpoint: 'bad' })
  state.fail = (alerts) => {
    if (alerts.includes(bad)) throw new AlertRefusedError('label too long')
  }
  const good = [testAlert({ endpoint: 'a' }), testAlert({ endpoint: 'b' })]
  dispatcher.post([good[0] as Alert, bad, good[1] as Alert])
  await clock.settle()
  expect(delivered.flat()).toEqual(good)
  expect(dispatcher.status).toMatchObject({ queued: 0, refused: 1, delivered: 2 })
  expect(problems.map(({ kind }) => kind)).toEqual(['delivery-refused'])
})

test('delivers again while it fires, as it is then, and for a time after it was resolved', async () => {
  const { clock, delivered, dispatcher } = setUp({ resendMs: 60_000, resendResolvedForMs: 120_000 })
  const alert = testAlert()
  const fresh = { ...alert, annotations: { summary: 'later' } }
  const look = async (ms: number, current?: Alert): Promise<void> => {
    await clock.advance(ms)
    dispatcher.resend(() => current)
    await clock.settle()
  }
  dispatcher.post([alert])
  await look(59_999, fresh)
  expect(delivered).toEqual([[alert]])
  await look(1, fresh)
  expect(delivered).toEqual([[alert], [fresh]])
  dispatcher.post([resolved(alert)])
  await look(60_000)
  await look(60_000)
  await look(60_000)
  await look(60_000)
  expect(delivered.slice(2)).toEqual([[resolved(alert)], [resolved(alert)], [resolved(alert)]])
})

test('sends what it is to send: by "only", and no resolved alerts if it wants none', async () => {
  const { clock, delivered, dispatcher, problems } = setUp({
    sendResolved: false,
    only: ({ labels }) => {
      if (labels.endpoint === 'odd') throw new Error('filter is broken')
      return labels.endpoint === 'wanted'
    },
  })
  const wanted = testAlert({ endpoint: 'wanted' })
  const odd = testAlert({ endpoint: 'odd' })
  dispatcher.post([testAlert({ endpoint: 'other' }), wanted, odd])
  dispatcher.post([resolved(wanted)])
  await clock.settle()
  expect(delivered).toEqual([[wanted, odd]])
  expect(problems.map(({ kind }) => kind)).toEqual(['filter-failed'])
})

test('neither blocks nor throws, whatever a sink throws', async () => {
  const { clock, dispatcher, problems } = setUp({
    deliver: () => {
      throw new Error('https://hooks.example/services/T0/B0/secret failed with password=hunter2')
    },
  })
  dispatcher.post([testAlert()])
  await clock.settle()
  expect(problems[0]?.message).toContain('https://hooks.example/***')
  expect(JSON.stringify([problems, dispatcher.status])).not.toMatch(/secret|hunter2/)
})

test('its timers keep no process running', async () => {
  const { clock, dispatcher, state } = setUp()
  state.fail = fails
  dispatcher.post([testAlert()])
  await clock.settle()
  expect(clock.pendingTimers).toBe(1)
  expect(clock.pendingKeepAliveTimers).toBe(0)
  dispatcher.close()
  expect(clock.pendingTimers).toBe(0)
})

test('at the end tries at once what is left, and does not wait longer than it is asked to', async () => {
  const { clock, delivered, dispatcher, state } = setUp()
  state.fail = fails
  dispatcher.post([testAlert()])
  await clock.settle()
  state.fail = () => undefined
  await dispatcher.drained()
  expect(delivered).toHaveLength(1)
  await dispatcher.drained()
})
