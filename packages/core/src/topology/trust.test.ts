import { type FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { close, type Harness, type HarnessOptions, manage } from '../../test/harness.js'
import type { Endpoint } from '../driver/contract.js'
import type { Discovery, TopologySource } from './source.js'

let h: Harness
let named: readonly Endpoint[]
let hint: string | undefined

afterEach(() => close(h))

const source: TopologySource = {
  name: 'test',
  refreshMs: 1000,
  timeoutMs: 200,
  discover: async (): Promise<Discovery> => ({
    endpoints: named,
    ...(hint === undefined ? {} : { primary: hint }),
  }),
}

const names = (...ids: string[]): void => {
  named = ids.map(fakeEndpoint)
}

/** The options name `a`, the primary; `r` is a server that its owner has lied about. */
function trusting(options: HarnessOptions = {}): Harness {
  hint = undefined
  return manage({
    endpoints: ['a'],
    healthMonitoring: true,
    topology: source,
    ...options,
    prepare: (driver) => {
      asStandby(driver, 'b')
      Object.assign(driver.server('r'), { cluster: undefined, timeline: 99 })
      options.prepare?.(driver)
    },
  })
}

function asStandby(driver: FakeDriver, id: string): void {
  Object.assign(driver.server(id), { role: 'standby', writable: false })
}

const state = (id: string) =>
  h.manager.getFailoverStatus().endpoints.find((each) => each.id === id)?.state
const writer = () => h.manager.getFailoverStatus().activeEndpoint

describe('a server that a source names', () => {
  test('serves no caller while it does not show the identity of the cluster, and raises no timeline', async () => {
    names('a', 'b', 'r')
    h = trusting()
    hint = 'r'
    await h.manager.start()
    await h.clock.advance(3000)
    expect(writer()).toBe('a')
    expect(state('r')).toBe('UNPROVEN')
    expect(h.driver.server('r').connections).toEqual([])
    // Alone it serves no caller either, and the true primary is not fenced when it is back.
    h.driver.server('a').crash()
    asStandby(h.driver, 'b')
    const waiting = h.manager.acquire()
    await h.clock.advance(5000)
    expect(writer()).toBeUndefined()
    h.driver.server('a').start()
    await h.clock.advance(1000)
    expect((await waiting).endpoint.id).toBe('a')
    ;(await waiting).release()
    expect(h.driver.server('r').connections).toEqual([])
  })

  test('of another cluster is quarantined, even if it was the first to answer', async () => {
    names('r', 'a')
    h = trusting({
      prepare: (driver) => {
        driver.server('r').cluster = 'another'
        driver.always('openProbe', ({ endpoint }) =>
          endpoint.id === 'a' ? { afterMs: 400 } : 'succeed',
        )
      },
    })
    void h.manager.start()
    await h.clock.advance(350)
    expect(writer()).toBeUndefined()
    await h.clock.advance(2000)
    expect(writer()).toBe('a')
    expect(state('r')).toBe('QUARANTINED')
  })

  test('waits while no server of the options has shown which cluster is meant', async () => {
    names('a', 'b')
    h = trusting({
      prepare: (driver) => {
        driver.server('b').promote()
        driver.server('a').state = 'down'
      },
    })
    const waiting = h.manager.acquire({ timeoutMs: 2000 })
    const rejected = expect(waiting).rejects.toThrow(/b is UNPROVEN .*set failover.cluster/)
    await h.clock.advance(2500)
    await rejected
    asStandby(h.driver, 'a')
    h.driver.server('a').start()
    await h.clock.advance(3000)
    expect(writer()).toBe('b')
  })

  test('is used at once if the options say which cluster is meant', async () => {
    names('a', 'b')
    h = trusting({
      failover: { cluster: 'system-1' },
      prepare: (driver) => {
        driver.server('b').promote()
        driver.server('a').state = 'down'
      },
    })
    const lease = h.manager.acquire()
    await h.clock.advance(2000)
    expect((await lease).endpoint.id).toBe('b')
    ;(await lease).release()
  })

  test('gets no idle connections ahead of its proof', async () => {
    names('a', 'r')
    h = trusting({ minIdle: 2 })
    await h.manager.start()
    await h.clock.advance(60_000)
    expect(h.driver.server('a').connections).toHaveLength(2)
    expect(h.driver.callsOf('connect').filter((each) => each.endpoint.id === 'r')).toEqual([])
  })

  test('loses its place when the server at its address stops showing the identity, and gets it back', async () => {
    names('a', 'b')
    h = trusting()
    await h.manager.start()
    await h.clock.advance(1000)
    expect(state('b')).toBe('UP')
    h.driver.server('b').cluster = undefined
    await h.clock.advance(1000)
    expect(state('b')).toBe('UNPROVEN')
    await expect(h.manager.acquire({ target: 'prefer-standby' })).resolves.toMatchObject({
      endpoint: { id: 'a' },
    })
    h.driver.server('b').cluster = 'system-1'
    await h.clock.advance(1000)
    expect(state('b')).toBe('UP')
  })

  test('stays in doubt through silence and errors, which are no proof', async () => {
    names('a', 'r')
    h = trusting()
    await h.manager.start()
    h.driver.next('probe', 'hang')
    h.driver.always('probe', ({ endpoint }) =>
      endpoint.id === 'r' ? { fail: 'statement' } : 'succeed',
    )
    await h.clock.advance(5000)
    expect(state('r')).toBe('UNPROVEN')
    h.driver.server('a').crash()
    await h.clock.advance(5000)
    expect(writer()).toBeUndefined()
  })

  test('stands by its proof when an operator resets, and the options still say which cluster it is', async () => {
    names('a', 'b')
    h = trusting()
    await h.manager.start()
    await h.clock.advance(1000)
    h.driver.server('a').crash()
    h.driver.server('b').promote()
    await h.clock.advance(3000)
    expect(writer()).toBe('b')
    const done = h.manager.reset()
    await h.clock.advance(3000)
    await done
    expect(writer()).toBe('b')
    // Now the cluster is another one.
    for (const id of ['a', 'b'])
      Object.assign(h.driver.server(id), { cluster: 'rebuilt', timeline: 1 })
    asStandby(h.driver, 'b')
    h.driver.server('a').start()
    const again = h.manager.reset()
    await h.clock.advance(3000)
    await again
    expect(writer()).toBe('a')
  })

  test('is reported once, with its reason', async () => {
    names('a', 'r')
    h = trusting()
    await h.manager.start()
    await h.clock.advance(5000)
    expect(h.of('endpointStateChanged').filter((each) => each.endpoint === 'r')).toMatchObject([
      { to: 'UNPROVEN', reason: expect.stringContaining('does not show that it belongs') },
    ])
    expect(h.manager.getFailoverStatus().endpoints[1]).toMatchObject({ configured: false })
  })
})

describe('what a source may name', () => {
  test('ends where it is refused: reported when it changes, and the rest is followed', async () => {
    named = [fakeEndpoint('a'), { ...fakeEndpoint('b'), port: 70_000 }]
    h = trusting()
    await h.manager.start()
    await h.clock.advance(5000)
    expect(h.of('topologyFailed')).toMatchObject([
      { source: 'test', refused: [expect.stringContaining('70000')] },
    ])
    names('a', 'b')
    await h.clock.advance(2000)
    expect(state('b')).toBe('UP')
    expect(h.of('topologyFailed')).toHaveLength(1)
  })

  test('is bounded', async () => {
    names('a', ...Array.from({ length: 500 }, (_, index) => `n${index}`))
    h = trusting()
    await h.manager.start()
    expect(h.manager.getFailoverStatus().endpoints).toHaveLength(32)
  })

  test('may change at every look: nothing is left behind', async () => {
    names('a', 'b')
    h = trusting()
    await h.manager.start()
    for (let look = 0; look < 20; look += 1) {
      names('a', look % 2 === 0 ? 'c' : 'b')
      await h.clock.advance(1100)
    }
    expect(h.manager.getFailoverStatus().endpoints).toHaveLength(2)
    expect(writer()).toBe('a')
    expect(h.driver.server('c').probes + h.driver.server('b').probes).toBeLessThanOrEqual(1)
  })

  test.each([
    ['no array', 'db2', 'topology.allowedHosts'],
    ['no host', ['a b'], 'topology.allowedHosts[0]'],
  ])('is refused as an option if it is %s', (_name, allowedHosts, option) => {
    h = manage()
    expect(() => manage({ topology: { ...source, allowedHosts: allowedHosts as never } })).toThrow(
      expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option }),
    )
  })
})

describe('the addresses of a name in the options', () => {
  const resolved = (id: string): Endpoint =>
    Object.defineProperty({ ...fakeEndpoint(id), resolvedFrom: 'a' }, 'config', { value: {} })

  test('are trusted as the name is until the cluster is known, and by its identity from then on', async () => {
    named = [resolved('10.0.0.1')]
    h = trusting()
    await h.manager.start()
    expect(writer()).toBe('10.0.0.1')
    named = [resolved('10.0.0.1'), resolved('10.0.0.2')]
    Object.assign(h.driver.server('10.0.0.2'), { cluster: undefined, timeline: 9 })
    await h.clock.advance(2000)
    expect(writer()).toBe('10.0.0.1')
    expect(state('10.0.0.2')).toBe('UNPROVEN')
  })

  test('serve no caller if they show different clusters, and nothing says which is meant', async () => {
    named = [resolved('10.0.0.1'), resolved('10.0.0.2')]
    h = trusting({
      prepare: (driver) => Object.assign(driver.server('10.0.0.2'), { cluster: 'x' }),
    })
    await h.manager.start()
    await h.clock.advance(1000)
    expect(writer()).toBeUndefined()
    expect(state('10.0.0.1')).toBe('UNPROVEN')
    named = [resolved('10.0.0.1')]
    await h.clock.advance(2000)
    expect(writer()).toBe('10.0.0.1')
  })
})
