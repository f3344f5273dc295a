import type { ConnectContext, ConnectionSignal } from '@connmgr/core/driver'
import { FakeClock } from './fake-clock.js'
import { FakeDriver } from './fake-driver.js'
import { fakeEndpoint } from './fake-endpoint.js'
import { FakeError } from './outcome.js'

const a = fakeEndpoint('a')

function contextOf(): {
  context: ConnectContext
  abort: AbortController
  signals: ConnectionSignal[]
} {
  const abort = new AbortController()
  const signals: ConnectionSignal[] = []
  return {
    abort,
    signals,
    context: { signal: abort.signal, onSignal: (signal) => signals.push(signal) },
  }
}

/** 'pending' if the promise has not settled although everything that can happen has happened. */
async function stateOf(promise: Promise<unknown>, clock: FakeClock): Promise<string> {
  let state = 'pending'
  promise.then(
    () => {
      state = 'fulfilled'
    },
    () => {
      state = 'rejected'
    },
  )
  await clock.settle()
  return state
}

describe('FakeDriver', () => {
  test('scripted outcomes are used up in order, then the standing one holds', async () => {
    const driver = new FakeDriver()
    driver.always('connect', { fail: 'busy' }).next('connect', 'succeed', { fail: 'unreachable' })
    const connection = await driver.connect(a, contextOf().context)
    expect(connection.open).toBe(true)
    await expect(driver.connect(a, contextOf().context)).rejects.toMatchObject({
      kind: 'unreachable',
    })
    await expect(driver.connect(a, contextOf().context)).rejects.toMatchObject({ kind: 'busy' })
    expect(driver.connections).toEqual([connection])
    expect(driver.connecting).toBe(0)
  })

  test('an outcome can depend on the call', async () => {
    const driver = new FakeDriver()
    driver.always('connect', ({ endpoint }) =>
      endpoint.id === 'a' ? { fail: 'setup' } : 'succeed',
    )
    await expect(driver.connect(a, contextOf().context)).rejects.toMatchObject({ kind: 'setup' })
    await expect(driver.connect(fakeEndpoint('b'), contextOf().context)).resolves.toBeDefined()
  })

  test('a hanging connect ends with the reason of its abort and leaves no connection', async () => {
    const clock = new FakeClock()
    const driver = new FakeDriver({ clock }).always('connect', 'hang')
    const { context, abort } = contextOf()
    const connecting = driver.connect(a, context)
    expect(await stateOf(connecting, clock)).toBe('pending')
    expect(driver.connecting).toBe(1)
    const reason = new Error('deadline')
    abort.abort(reason)
    await expect(connecting).rejects.toBe(reason)
    await clock.settle()
    expect([driver.connecting, driver.connections.length, driver.mostOpen]).toEqual([0, 0, 1])
  })

  test('a slow call takes its time on the given clock', async () => {
    const clock = new FakeClock()
    const driver = new FakeDriver({ clock }).next('connect', { afterMs: 50 })
    const connecting = driver.connect(a, contextOf().context)
    await clock.advance(49)
    expect(await stateOf(connecting, clock)).toBe('pending')
    await clock.advance(1)
    expect(await stateOf(connecting, clock)).toBe('fulfilled')
  })

  test('a driver that ignores the abort delivers its connection late', async () => {
    const clock = new FakeClock()
    const driver = new FakeDriver({ clock }).next('connect', { afterMs: 50, ignoreAbort: true })
    const { context, abort } = contextOf()
    const connecting = driver.connect(a, context)
    abort.abort(new Error('too late'))
    await clock.advance(50)
    expect((await connecting).open).toBe(true)
  })

  test('an outcome can wait for a promise of the test', async () => {
    const clock = new FakeClock()
    let open!: () => void
    const until = new Promise<void>((resolve) => {
      open = resolve
    })
    const driver = new FakeDriver({ clock }).next('connect', { until })
    const connecting = driver.connect(a, contextOf().context)
    expect(await stateOf(connecting, clock)).toBe('pending')
    open()
    expect(await stateOf(connecting, clock)).toBe('fulfilled')
  })

  test.each(['connect', 'validate', 'reset', 'rollback', 'close'] as const)(
    '%s can throw before it returns a promise',
    async (method) => {
      const driver = new FakeDriver()
      const connection = await driver.connect(a, contextOf().context)
      const error = new Error('thrown')
      driver.next(method, { throw: error })
      expect(() => {
        if (method === 'connect') void driver.connect(a, contextOf().context)
        else if (method === 'reset') void driver.reset(connection, 'reset-all')
        else void driver[method](connection)
      }).toThrow(error)
      expect(driver.connecting).toBe(0)
    },
  )

  test('statements move the condition, the activity and the session', async () => {
    const clock = new FakeClock()
    const driver = new FakeDriver({ clock })
    const connection = await driver.connect(a, contextOf().context)
    const activity = driver.activity.of(connection)
    await connection.query('begin')
    expect(driver.inspect(connection)).toBe('transaction')
    await connection.query("set work_mem to '1MB'")
    expect(connection.session.get('work_mem')).toBe("'1MB'")
    driver.next('query', { afterMs: 10 })
    const slow = connection.query('select 1')
    expect(driver.inspect(connection)).toBe('busy')
    const settled = driver.settle(connection)
    expect(await stateOf(settled, clock)).toBe('pending')
    await clock.advance(10)
    await slow
    await settled
    expect(driver.inspect(connection)).toBe('transaction')
    await driver.rollback(connection)
    expect(driver.inspect(connection)).toBe('clean')
    await driver.reset(connection, 'discard-all')
    expect(connection.session.size).toBe(0)
    expect(activity).toMatchObject({ queryCount: 3, lastQuery: 'select 1' })
  })

  test('a lost connection signals once, is broken and rejects what is under way and what comes later', async () => {
    const driver = new FakeDriver().next('query', 'hang')
    const { context, signals } = contextOf()
    const connection = await driver.connect(a, context)
    const query = connection.query('select 1')
    const error = new Error('ECONNRESET')
    connection.lose(error)
    connection.lose(error)
    await expect(query).rejects.toBe(error)
    await expect(driver.validate(connection)).rejects.toBe(error)
    expect(signals).toEqual([{ kind: 'lost', error }])
    expect(driver.inspect(connection)).toBe('broken')
    expect(connection.ended).toBe('lost')
  })

  test('a destroyed connection rejects what is under way and signals nothing', async () => {
    const driver = new FakeDriver().always('validate', 'hang')
    const { context, signals } = contextOf()
    const connection = await driver.connect(a, context)
    const validating = driver.validate(connection)
    driver.destroy(connection)
    driver.destroy(connection)
    await expect(validating).rejects.toMatchObject({ kind: 'lost' })
    await driver.close(connection)
    expect(signals).toEqual([])
    expect(connection.ended).toBe('destroyed')
    expect(driver.open).toEqual([])
  })

  test('mostOpen counts connections that are open or being opened', async () => {
    const driver = new FakeDriver()
    const first = await driver.connect(a, contextOf().context)
    await driver.close(first)
    await Promise.all([1, 2, 3].map(() => driver.connect(a, contextOf().context)))
    expect(driver.mostOpen).toBe(3)
    expect(driver.open).toHaveLength(3)
  })

  test('every call is recorded with its time, connection and detail', async () => {
    const clock = new FakeClock()
    const driver = new FakeDriver({ clock })
    const connection = await driver.connect(a, contextOf().context)
    await clock.advance(5)
    await driver.begin(connection, { readOnly: true })
    expect(driver.count('begin')).toBe(1)
    expect(driver.callsOf('begin')).toEqual([
      { method: 'begin', endpoint: a, connection, detail: { readOnly: true }, at: 5 },
    ])
  })
})

describe('FakeServer', () => {
  test('a connect that hangs when the server crashes is refused', async () => {
    const clock = new FakeClock()
    const driver = new FakeDriver({ clock })
    driver.server(a).hang()
    const connecting = driver.connect(a, contextOf().context)
    const probing = driver.openProbe(a, contextOf().context)
    connecting.catch(() => {})
    probing.catch(() => {})
    await clock.settle()
    driver.server(a).crash()
    await expect(connecting).rejects.toMatchObject({ kind: 'unreachable' })
    await expect(probing).rejects.toMatchObject({ kind: 'unreachable' })
    expect(driver.open).toEqual([])
    expect(driver.server(a).probes).toBe(0)
  })

  test('a crash loses every connection and probe, and refuses new ones until the start', async () => {
    const driver = new FakeDriver()
    const { context, signals } = contextOf()
    await driver.connect(a, context)
    const probe = await driver.openProbe(a, context)
    driver.server(a).crash()
    expect(signals.map(({ kind }) => kind)).toEqual(['lost', 'lost'])
    await expect(probe.check(context.signal)).rejects.toMatchObject({ kind: 'lost' })
    await expect(driver.connect(a, context)).rejects.toMatchObject({ kind: 'unreachable' })
    await expect(driver.openProbe(a, context)).rejects.toMatchObject({ kind: 'unreachable' })
    driver.server(a).start()
    const again = await driver.openProbe(a, context)
    expect(await again.check(context.signal)).toMatchObject({ startedAt: 'start-2' })
  })

  test('a hung server answers nothing until it goes on', async () => {
    const clock = new FakeClock()
    const driver = new FakeDriver({ clock })
    const { context } = contextOf()
    const connection = await driver.connect(a, context)
    const probe = await driver.openProbe(a, context)
    driver.server(a).hang()
    const calls = [
      connection.query('select 1'),
      driver.validate(connection),
      driver.connect(a, context),
      probe.check(context.signal),
    ]
    for (const call of calls) expect(await stateOf(call, clock)).toBe('pending')
    driver.server(a).resume()
    for (const call of calls) expect(await stateOf(call, clock)).toBe('fulfilled')
  })

  test('an aborted check of a hung server rejects', async () => {
    const driver = new FakeDriver()
    const { context, abort } = contextOf()
    const probe = await driver.openProbe(a, contextOf().context)
    driver.server(a).hang()
    const checking = probe.check(context.signal)
    abort.abort(new Error('deadline'))
    await expect(checking).rejects.toThrow('deadline')
  })

  test.each([
    ['starting', 'starting'],
    ['full', 'busy'],
    ['denied', 'setup'],
  ] as const)('a server that is %s refuses with %s and keeps its sessions', async (state, kind) => {
    const driver = new FakeDriver()
    const { context } = contextOf()
    const connection = await driver.connect(a, context)
    driver.server(a).state = state
    await expect(driver.connect(a, context)).rejects.toMatchObject({ kind })
    await driver.validate(connection)
  })

  test('a promotion reaches an open session with its next call, and the probe at once', async () => {
    const driver = new FakeDriver({ role: 'standby' })
    const { context } = contextOf()
    const connection = await driver.connect(a, context)
    const probe = await driver.openProbe(a, context)
    await expect(connection.query('insert into t')).rejects.toMatchObject({ kind: 'read-only' })
    driver.server(a).promote()
    expect(driver.replication.role(connection)).toBe('standby')
    expect(await probe.check(context.signal)).toMatchObject({
      role: 'primary',
      writable: true,
      history: '2',
    })
    await driver.validate(connection)
    expect(driver.replication.role(connection)).toBe('primary')
    await connection.query('insert into t')
  })

  test('a demotion cuts the sessions and refuses writes', async () => {
    const driver = new FakeDriver()
    const { context, signals } = contextOf()
    await driver.connect(a, context)
    driver.server(a).demote()
    expect(signals).toHaveLength(1)
    const connection = await driver.connect(a, context)
    await expect(connection.query('update t')).rejects.toBeInstanceOf(FakeError)
    expect(driver.server(a).connections).toEqual([connection])
  })
})

test('an endpoint shows no configuration when it is printed', () => {
  expect(JSON.stringify(a)).toBe('{"id":"a","host":"a","port":5432,"database":"test"}')
})
