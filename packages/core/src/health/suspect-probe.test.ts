import { close, type Harness, type HarnessOptions, replicated } from '../../test/harness.js'

const LOGIN_MS = 20
const ASK_MS = 5

let h: Harness
afterEach(async () => {
  await close(h)
  expect(h.clock.pendingTimers).toBe(0)
})

/** The writer of a cluster, of which one connection is lent; logins and questions take their time. */
async function serving(options: HarnessOptions = {}) {
  h = replicated(options)
  const lease = await h.manager.acquire()
  await h.clock.advance(50)
  for (const login of ['connect', 'openProbe'] as const)
    h.driver.always(login, { afterMs: LOGIN_MS })
  for (const question of ['ask', 'probe', 'validate'] as const)
    h.driver.always(question, { afterMs: ASK_MS })
  const before = {
    connects: h.driver.count('connect'),
    logins: h.driver.count('openProbe'),
    asked: h.driver.count('ask'),
    validated: h.driver.count('validate'),
  }
  return {
    lease,
    since: () => ({
      connects: h.driver.count('connect') - before.connects,
      logins: h.driver.count('openProbe') - before.logins,
      asked: h.driver.count('ask') - before.asked,
      validated: h.driver.count('validate') - before.validated,
    }),
  }
}

const stateOf = (id: string) =>
  h.manager.getFailoverStatus().endpoints.find((each) => each.id === id)?.state

describe('when all sessions of the writer have ended', () => {
  test('one login answers the probe and serves the first caller', async () => {
    const { lease, since } = await serving()
    h.driver.server('a').terminateAll()
    lease.release()
    const writing = h.manager.acquire()
    await h.clock.advance(LOGIN_MS + ASK_MS - 1)
    expect(stateOf('a')).toBe('SUSPECT')
    expect(await h.outcome(writing)).toBe('pending')
    await h.clock.advance(1)
    expect(stateOf('a')).toBe('UP')
    expect(await h.outcome(writing)).toBe('resolved')
    expect(since()).toEqual({ connects: 1, logins: 0, asked: 1, validated: 0 })
    ;(await writing).release()
  })

  test('a server that has become a standby meanwhile serves none of those who waited', async () => {
    const { lease } = await serving()
    const a = h.driver.server('a')
    a.demote()
    a.terminateAll()
    lease.release()
    const writing = h.manager.acquire()
    await h.clock.advance(LOGIN_MS + ASK_MS)
    expect(h.manager.getFailoverStatus().activeEndpoint).toBeUndefined()
    expect(await h.outcome(writing)).toBe('pending')
    h.driver.server('b').promote()
    await h.clock.advance(500)
    const moved = await writing
    expect(moved.connection.endpoint.id).toBe('b')
    moved.release()
  })

  test('callers wait until it has said so itself, even with connections that are open', async () => {
    const { lease } = await serving()
    h.driver.always('ask', 'hang').always('probe', 'hang')
    h.driver.server('a').terminateAll()
    lease.release()
    const writing = h.manager.acquire()
    await h.clock.advance(LOGIN_MS + ASK_MS)
    expect(stateOf('a')).toBe('SUSPECT')
    expect(await h.outcome(writing)).toBe('pending')
    h.driver.always('ask', { afterMs: ASK_MS }).always('probe', { afterMs: ASK_MS })
    await h.clock.advance(5000)
    expect(await h.outcome(writing)).toBe('resolved')
    ;(await writing).release()
  })

  test('if that login stays without an answer, the monitor logs in by itself', async () => {
    const { lease, since } = await serving()
    h.driver.next('connect', 'hang')
    h.driver.server('a').terminateAll()
    lease.release()
    await h.clock.advance(400)
    expect(since().logins).toBe(1)
    expect(stateOf('a')).toBe('UP')
  })

  test('the monitor logs in by itself where a hook of the user comes before', async () => {
    const { lease, since } = await serving({ onConnect: () => {} })
    h.driver.server('a').terminateAll()
    lease.release()
    await h.clock.advance(LOGIN_MS + ASK_MS)
    expect(since()).toMatchObject({ connects: 1, logins: 1, asked: 0 })
    expect(stateOf('a')).toBe('UP')
  })

  test('no further probe follows an answer that is younger than the last of them', async () => {
    const { lease } = await serving()
    const checks = h.manager.getHealthStats().totalChecks
    h.driver.server('a').terminateAll()
    lease.release()
    await h.clock.advance(LOGIN_MS + ASK_MS)
    // One of each server.
    expect(h.manager.getHealthStats().totalChecks - checks).toBe(2)
  })

  test('while a probe that was asked before is followed by another', async () => {
    const { lease } = await serving()
    const checks = h.manager.getHealthStats().totalChecks
    const checking = h.manager.checkHealth()
    await h.clock.advance(1)
    lease.connection.lose()
    lease.release()
    await h.clock.advance(2 * ASK_MS)
    await checking
    expect(h.manager.getHealthStats().totalChecks - checks).toBe(4)
  })
})

describe('when one connection of the writer has ended', () => {
  test('the session of the monitor tells, and the login that was begun serves the next caller', async () => {
    const { lease, since } = await serving()
    lease.connection.lose()
    lease.release()
    const writing = h.manager.acquire()
    await h.clock.advance(ASK_MS)
    expect(stateOf('a')).toBe('UP')
    await h.clock.advance(LOGIN_MS - ASK_MS)
    expect(await h.outcome(writing)).toBe('resolved')
    expect(since()).toMatchObject({ connects: 1, logins: 0, asked: 0 })
    ;(await writing).release()
  })

  test('the refusal of that login says nothing while the session of the monitor is asked', async () => {
    const { lease } = await serving()
    h.driver.next('connect', { fail: 'unreachable' })
    lease.connection.lose()
    lease.release()
    await h.clock.advance(ASK_MS)
    expect(stateOf('a')).toBe('UP')
    expect(h.of('failoverStarted')).toEqual([])
  })
})
