import { fakeEndpoint } from '@connmgr/testing'
import {
  close,
  expectLater,
  type Harness,
  type HarnessOptions,
  manage,
} from '../../test/harness.js'
import type { Discovery, TopologySource } from './source.js'

/** A source that names what the test says. */
class Naming implements TopologySource {
  readonly name = 'test'
  readonly refreshMs = 1000
  readonly timeoutMs = 200
  looks = 0
  answer: () => Promise<Discovery>

  constructor(...ids: string[]) {
    this.answer = async () => ({ endpoints: ids.map(fakeEndpoint) })
  }

  names(...ids: string[]): void {
    this.answer = async () => ({ endpoints: ids.map(fakeEndpoint) })
  }

  discover(): Promise<Discovery> {
    this.looks += 1
    return this.answer()
  }
}

let h: Harness
afterEach(async () => {
  await close(h)
  expect(h.clock.pendingTimers).toBe(0)
})

/** The primary is `a`; every other server is a standby. */
function following(topology: TopologySource, options: HarnessOptions = {}): Harness {
  return manage({
    endpoints: ['a'],
    healthMonitoring: true,
    topology,
    ...options,
    prepare: (driver) => {
      for (const id of ['b', 'c', 'd']) {
        driver.server(id).role = 'standby'
        driver.server(id).writable = false
      }
      options.prepare?.(driver)
    },
  })
}

const ids = () => h.manager.getFailoverStatus().endpoints.map((each) => each.id)

async function endpointOf(target: 'primary' | 'standby' | 'prefer-standby' = 'primary') {
  const lease = await h.manager.acquire({ target })
  lease.release()
  return lease.endpoint.id
}

describe('a source that names endpoints', () => {
  test('is looked at before the first acquire', async () => {
    h = following(new Naming('a', 'b'))
    expect(await endpointOf('standby')).toBe('b')
    expect(ids()).toEqual(['a', 'b'])
    expect(h.of('topologyChanged')).toMatchObject([{ added: ['b'], removed: [] }])
  })

  test('has a new one used once it has been probed, as what it says it is', async () => {
    const source = new Naming('a')
    h = following(source)
    expect(await endpointOf('prefer-standby')).toBe('a')
    source.names('a', 'b')
    await h.clock.advance(1100)
    expect(await endpointOf('prefer-standby')).toBe('b')
  })

  test('has one that is named no more drained: readers finish, no new ones come', async () => {
    const source = new Naming('a', 'b', 'c')
    h = following(source)
    await h.manager.start()
    h.driver.server('c').state = 'down'
    await h.clock.advance(300)
    const reading = await h.manager.acquire({ target: 'standby' })
    expect(reading.endpoint.id).toBe('b')
    source.names('a', 'c')
    await h.clock.advance(1100)
    expect(ids()).toEqual(['a', 'c'])
    expect(h.manager.getHolders()).toHaveLength(1)
    expect(await endpointOf('prefer-standby')).toBe('a')
    await reading.connection.query('select')
    reading.release()
    await h.clock.settle()
    expect(h.driver.server('b').connections).toEqual([])
    expect(h.manager.getPoolMetrics()).toMatchObject({ totalCheckouts: 2, checkedOut: 0 })
    expect(h.of('poolClosed')).toMatchObject([{ endpoint: 'b', stragglers: [] }])
  })

  test('sends those on who wait for one that is named no more', async () => {
    const source = new Naming('a', 'b')
    h = following(source, { poolSize: 1, maxOverflow: 0 })
    const reading = await h.manager.acquire({ target: 'standby' })
    const waiting = h.manager.acquire({ target: 'prefer-standby' })
    source.names('a')
    await h.clock.advance(1100)
    expect((await waiting).endpoint.id).toBe('a')
    ;(await waiting).release()
    reading.release()
  })

  test('takes no writer away that the servers call the primary; but one that is gone, it does', async () => {
    const source = new Naming('a', 'b')
    h = following(source)
    expect(await endpointOf()).toBe('a')
    source.names('b')
    await h.clock.advance(5000)
    expect(await endpointOf()).toBe('a')
    expect(h.of('failoverStarted')).toEqual([])
    h.driver.server('a').crash()
    h.driver.server('b').promote()
    await h.clock.advance(2500)
    expect(await endpointOf()).toBe('b')
    expect(ids()).toEqual(['b'])
  })

  test('that fails, hangs or names no server changes nothing, and is reported once', async () => {
    const source = new Naming('a', 'b')
    h = following(source)
    expect(await endpointOf('standby')).toBe('b')
    source.answer = () => Promise.reject(new Error('no such host'))
    await h.clock.advance(3000)
    source.answer = () => new Promise(() => {})
    await h.clock.advance(3000)
    source.names()
    await h.clock.advance(3000)
    expect(ids()).toEqual(['a', 'b'])
    expect(await endpointOf('standby')).toBe('b')
    expect(h.of('topologyFailed')).toMatchObject([
      { source: 'test', error: { message: 'no such host' } },
    ])
    source.names('a', 'b', 'c')
    await h.clock.advance(2000)
    source.answer = () => Promise.reject(new Error('again'))
    await h.clock.advance(2000)
    expect(h.of('topologyFailed')).toHaveLength(2)
  })

  test('that could not find out all changes what it has found, and tells of the rest', async () => {
    const source = new Naming('a')
    h = following(source)
    await h.manager.start()
    source.answer = async () => ({
      endpoints: ['a', 'b'].map(fakeEndpoint),
      problem: new Error('no such host'),
    })
    await h.clock.advance(3000)
    expect(ids()).toEqual(['a', 'b'])
    expect(h.of('topologyFailed')).toHaveLength(1)
  })

  test('that fails from the start leaves what the options name', async () => {
    const source = new Naming()
    h = following(source)
    expect(await endpointOf()).toBe('a')
  })

  test('is looked at in trouble, not only in its turn', async () => {
    const source = new Naming('a', 'b')
    h = following(Object.assign(source, { refreshMs: 1_000_000 }))
    expect(await endpointOf()).toBe('a')
    source.names('c')
    h.driver.server('a').crash()
    h.driver.server('c').promote()
    const waiting = h.manager.acquire()
    await h.clock.advance(1000)
    expect((await waiting).endpoint.id).toBe('c')
    ;(await waiting).release()
  })

  test('is looked at again and again while there is no writer', async () => {
    const source = new Naming('a', 'b')
    h = following(Object.assign(source, { refreshMs: 1_000_000 }))
    expect(await endpointOf()).toBe('a')
    h.driver.server('a').crash()
    await h.clock.advance(10_000)
    const looks = source.looks
    source.names('c')
    h.driver.server('c').promote()
    await h.clock.advance(1000)
    expect(source.looks).toBeLessThanOrEqual(looks + 3)
    expect(await endpointOf()).toBe('c')
    const settled = source.looks
    await h.clock.advance(10_000)
    expect(source.looks).toBeLessThanOrEqual(settled + 1)
  })

  test('that calls another the primary has all asked at once, and what they say counts', async () => {
    const source = new Naming('a', 'b')
    h = following(source, { failover: { probeIntervalMs: 1_000_000 } })
    expect(await endpointOf()).toBe('a')
    source.answer = async () => ({ endpoints: ['a', 'b'].map(fakeEndpoint), primary: 'b' })
    await h.clock.advance(3000)
    expect(await endpointOf()).toBe('a')
    h.driver.server('a').role = 'standby'
    h.driver.server('a').writable = false
    h.driver.server('b').promote()
    await h.clock.advance(1100)
    expect(await endpointOf()).toBe('b')
  })

  test('names one of another cluster, which is never used', async () => {
    const source = new Naming('a', 'd')
    h = following(source, {
      prepare: (driver) => {
        driver.server('d').cluster = 'another'
        driver.server('d').promote()
      },
    })
    expect(await endpointOf()).toBe('a')
    expect(h.manager.getFailoverStatus().endpoints[1]).toMatchObject({ state: 'QUARANTINED' })
  })

  test('keeps one that an operator has quarantined, and its name', async () => {
    const source = new Naming('a', 'b')
    h = following(source)
    await h.manager.quarantine('b')
    source.names('a')
    await h.clock.advance(2000)
    source.names('a', 'b')
    await h.clock.advance(2000)
    expect(h.manager.getFailoverStatus().endpoints[1]).toMatchObject({ state: 'QUARANTINED' })
  })

  test('while the manager closes: those who leave get no more time than the others', async () => {
    const source = new Naming('a', 'b')
    h = following(source)
    const reading = await h.manager.acquire({ target: 'standby' })
    source.names('a')
    await h.clock.advance(1100)
    const hanging = expectLater(reading.connection.query('select'))
    h.driver.server('b').hang()
    const closing = h.manager.close({ drainTimeoutMs: 100 })
    await h.clock.advance(300)
    await closing
    await hanging.catch(() => {})
    expect(h.driver.open).toEqual([])
  })
})

test('a topology that is no source is refused', () => {
  expect(() => manage({ topology: 'dns' as never })).toThrow(
    expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'topology' }),
  )
  h = manage()
})
