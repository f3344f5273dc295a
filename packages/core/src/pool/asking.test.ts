import { closeLone, lonePool } from '../../test/lone-pool.js'

let lone: ReturnType<typeof lonePool>
afterEach(() => closeLone(lone))

const ask = async () => lone.pool.probes.overIdle()
const answer = { role: 'primary', writable: true }

test('a probe uses an idle connection, which the pool lends afterwards and which still closes when unused', async () => {
  lone = lonePool({ idleTimeoutMs: 10_000 })
  expect(await ask()).toBeUndefined()
  ;(await lone.acquire()).release()
  const [connection] = lone.driver.open
  await lone.clock.advance(6000)
  lone.driver.next('ask', { afterMs: 50 })
  const asking = ask()
  const acquiring = lone.acquire()
  await lone.clock.advance(50)
  expect(await asking).toMatchObject(answer)
  const lease = await acquiring
  expect(lease.connection).toBe(connection)
  lease.release()
  await lone.clock.advance(6000)
  expect(await ask()).toMatchObject(answer)
  await lone.clock.advance(5000)
  lone.pool.maintain()
  await lone.clock.settle()
  expect(lone.driver.open).toEqual([])
})

test('an error of the server rejects the probe, and the pool keeps the connection', async () => {
  lone = lonePool()
  ;(await lone.acquire()).release()
  lone.driver.next('ask', { fail: 'statement' })
  await expect(ask()).rejects.toMatchObject({ kind: 'statement' })
  await lone.clock.settle()
  expect(lone.pool.counts).toMatchObject({ idle: 1, total: 1 })
})

test('one by which the connection is lost closes it', async () => {
  lone = lonePool()
  ;(await lone.acquire()).release()
  lone.driver.next('ask', { fail: 'lost' })
  await expect(ask()).rejects.toMatchObject({ kind: 'lost' })
  await lone.clock.settle()
  expect(lone.pool.counts.total).toBe(0)
})

describe('the next connection', () => {
  test('is opened for the probe if none is on its way, and closed unless a caller has used it', async () => {
    lone = lonePool({ minIdle: 0 })
    expect(await lone.pool.probes.overNext()).toMatchObject(answer)
    expect(lone.pool.counts.total).toBe(1)
    lone.pool.probes.closeUnused()
    await lone.clock.settle()
    expect(lone.driver.open).toEqual([])
  })

  test('that a caller waits for is asked before it is lent', async () => {
    lone = lonePool()
    lone.driver.next('connect', { afterMs: 100 })
    lone.driver.next('ask', { afterMs: 20 })
    const acquiring = lone.acquire()
    await lone.clock.settle()
    const asking = lone.pool.probes.overNext()
    await lone.clock.advance(119)
    expect(lone.pool.counts.waiting).toBe(1)
    await lone.clock.advance(1)
    expect(await asking).toMatchObject(answer)
    ;(await acquiring).release()
    expect(lone.driver.connections).toHaveLength(1)
  })

  test('may be one that comes back, also where no other may be opened', async () => {
    lone = lonePool({ poolSize: 1, maxOverflow: 0 })
    const lease = await lone.acquire()
    lone.driver.next('connect', 'hang')
    const asking = lone.pool.probes.overNext()
    await lone.clock.settle()
    lease.release()
    await lone.clock.settle()
    expect(await asking).toMatchObject(answer)
  })

  test.each(['busy', 'unreachable'] as const)('that is refused tells so: %s', async (kind) => {
    lone = lonePool()
    lone.driver.next('connect', { fail: kind })
    await expect(lone.pool.probes.overNext()).rejects.toMatchObject({ kind })
  })

  test('that is given up tells nothing', async () => {
    lone = lonePool()
    lone.driver.next('connect', 'hang')
    const asking = lone.pool.probes.overNext()
    await lone.clock.settle()
    lone.pool.destroyAll('the server is gone')
    expect(await asking).toBeUndefined()
  })

  test('is not opened by a pool that is suspended', async () => {
    lone = lonePool()
    lone.pool.serverChanged({ serving: false })
    expect(await lone.pool.probes.overNext()).toBeUndefined()
    expect(lone.driver.connections).toEqual([])
  })
})
