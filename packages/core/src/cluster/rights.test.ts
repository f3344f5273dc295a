import type { FakeDriver } from '@connmgr/testing'
import { close, type Harness, replicated } from '../../test/harness.js'

let h: Harness
afterEach(() => close(h))

const writer = () => h.manager.getFailoverStatus().activeEndpoint
const status = (id: string) =>
  h.manager.getFailoverStatus().endpoints.find((each) => each.id === id)

/** Servers that keep their timeline from the role that probes them. */
function silent(...ids: string[]) {
  return (driver: FakeDriver): void => {
    for (const id of ids)
      Object.assign(driver.server(id), { timeline: undefined, startedAt: `${id} started` })
  }
}

/** `b` takes over from `a`, and is lost; then `a` is back as the primary that it was. */
async function promoteAndLose(): Promise<void> {
  await h.manager.start()
  h.driver.server('a').crash()
  h.driver.server('b').promote()
  await h.clock.advance(2000)
  expect(writer()).toBe('b')
  h.driver.server('b').crash()
  await h.clock.advance(2000)
  h.driver.server('a').start()
  await h.clock.advance(3000)
}

describe('where servers do not tell their timelines', () => {
  test('an old primary that comes back is fenced: another was seen to be promoted after it', async () => {
    h = replicated({ prepare: silent('a', 'b') })
    await promoteAndLose()
    expect(writer()).toBeUndefined()
    expect(status('a')).toMatchObject({ state: 'FENCED', role: 'primary' })
    // It is a standby first, and promoted then: nothing is lost.
    Object.assign(h.driver.server('a'), { role: 'standby', writable: false })
    await h.clock.advance(2000)
    h.driver.server('a').promote()
    await h.clock.advance(2000)
    expect(writer()).toBe('a')
  })

  test('an operator may accept it all the same', async () => {
    h = replicated({ prepare: silent('a', 'b') })
    await promoteAndLose()
    const done = h.manager.reset()
    await h.clock.advance(2000)
    await done
    expect(writer()).toBe('a')
  })

  test('with splitBrain: stay it guesses', async () => {
    h = replicated({ failover: { splitBrain: 'stay' }, prepare: silent('a', 'b') })
    await promoteAndLose()
    expect(writer()).toBe('a')
  })

  test('a restart of the primary is no promotion of another', async () => {
    h = replicated({ prepare: silent('a', 'b') })
    await h.manager.start()
    h.driver.server('a').crash()
    await h.clock.advance(2000)
    expect(writer()).toBeUndefined()
    h.driver.server('a').start()
    await h.clock.advance(2000)
    expect(writer()).toBe('a')
  })

  test('a switchover and the failback follow the promotions', async () => {
    h = replicated({ prepare: silent('a', 'b') })
    await h.manager.start()
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'b'],
    ] as const) {
      h.driver.server(from).demote()
      h.driver.server(to).promote()
      await h.clock.advance(3000)
      expect(writer()).toBe(to)
    }
  })

  test('a grant lifts the fence: the timeline decides again', async () => {
    h = replicated({ prepare: silent('a', 'b') })
    await promoteAndLose()
    h.driver.server('a').timeline = 3
    await h.clock.advance(1000)
    expect(writer()).toBe('a')
  })
})

test('a primary below what a standby follows is not written to, even if it is the only one that was ever seen', async () => {
  h = replicated({
    prepare: (driver) => {
      driver.server('b').timeline = 2
    },
  })
  await h.manager.start()
  await h.clock.advance(1000)
  expect(writer()).toBeUndefined()
  expect(status('a')).toMatchObject({ state: 'FENCED' })
  const done = h.manager.reset()
  await h.clock.advance(1000)
  await done
  expect(writer()).toBe('a')
  await h.clock.advance(5000)
  expect(writer()).toBe('a')
})

describe('what the role that probes may not see', () => {
  const missing = [{ name: 'identity()', turnsOff: 'telling clusters apart' }]

  test('is reported once, is in the status, and its end is reported', async () => {
    h = replicated({
      prepare: (driver) => {
        driver.server('a').missing = missing
      },
    })
    await h.manager.start()
    await h.clock.advance(5000)
    expect(h.of('rightsMissing')).toEqual([
      { type: 'rightsMissing', pool: 'fake', endpoint: 'a', missing },
    ])
    expect(status('a')?.missingRights).toEqual(missing)
    expect(status('b')?.missingRights).toEqual([])
    h.driver.server('a').missing = undefined
    await h.clock.advance(1000)
    expect(h.of('rightsGranted')).toMatchObject([{ endpoint: 'a' }])
    expect(status('a')?.missingRights).toEqual([])
  })
})

describe('an error of the server in answer to a probe', () => {
  test.each(['statement', 'serialization'] as const)(
    '(%s) changes nothing of what is known, however often it comes',
    async (kind) => {
      h = replicated()
      await h.manager.start()
      await h.clock.advance(1000)
      h.driver.always('probe', { fail: kind })
      await h.clock.advance(20_000)
      expect(h.manager.getFailoverStatus()).toMatchObject({
        state: 'STEADY',
        activeEndpoint: 'a',
        endpoints: [
          { state: 'UP', role: 'primary', loginError: undefined },
          { state: 'UP', role: 'standby', loginError: undefined },
        ],
      })
      expect(h.manager.getHealthStats().failedChecks).toBeGreaterThan(10)
      expect(h.of('loginsFailed')).toEqual([])
    },
  )

  test('at the start has it asked again at once', async () => {
    h = replicated()
    h.driver.next('probe', { fail: 'statement' }, { fail: 'statement' })
    void h.manager.start()
    await h.clock.advance(400)
    expect(writer()).toBe('a')
  })
})
