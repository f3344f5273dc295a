import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { expectLater } from '../../test/harness.js'
import { Deadlines } from '../time/deadlines.js'
import { StallMonitor } from '../time/stall.js'
import type { ConnectionSignal } from './contract.js'
import { DedicatedConnection } from './dedicated.js'

const a = fakeEndpoint('a')
let clock: FakeClock
let driver: FakeDriver
let signals: ConnectionSignal[]
let abort: AbortController

beforeEach(() => {
  clock = new FakeClock()
  driver = new FakeDriver({ clock })
  signals = []
  abort = new AbortController()
})

function open(): Promise<DedicatedConnection<FakeConnection>> {
  return DedicatedConnection.open(a, (signal) => signals.push(signal), abort.signal, {
    driver,
    deadlines: new Deadlines(clock, new StallMonitor(clock)),
    connectTimeoutMs: 500,
    validateTimeoutMs: 200,
    closeTimeoutMs: 100,
  })
}

describe('a connection of its own', () => {
  afterEach(() => expect(clock.pendingTimers).toBe(0))

  test('tells what happens to it, and says goodbye', async () => {
    const dedicated = await open()
    dedicated.connection.signal('shutdown')
    expect(signals.map(({ kind }) => kind)).toEqual(['shutdown'])
    await dedicated.check()
    await dedicated.close()
    expect(dedicated.connection.ended).toBe('closed')
  })

  test('that does not come about in time is given up', async () => {
    driver.always('connect', 'hang')
    const opening = expectLater(open())
    await clock.advance(500)
    await expect(opening).rejects.toMatchObject({ code: 'CONNMGR_CONNECT_TIMEOUT' })
    expect(driver.connecting).toBe(0)
  })

  test('that comes about after it was given up is destroyed', async () => {
    driver.always('connect', { afterMs: 900, ignoreAbort: true })
    const opening = expectLater(open())
    await clock.advance(100)
    abort.abort(new Error('not wanted'))
    await clock.advance(1000)
    await expect(opening).rejects.toMatchObject({ code: 'CONNMGR_CONNECT_TIMEOUT' })
    expect(driver.connections.map(({ ended }) => ended)).toEqual(['destroyed'])
  })

  test('is not opened once its signal has fired', async () => {
    driver.always('connect', { afterMs: 100, ignoreAbort: true })
    const opening = expectLater(open())
    abort.abort(new Error('not wanted'))
    await clock.advance(100)
    await expect(opening).rejects.toThrow('not wanted')
    expect(driver.open).toEqual([])
  })

  test('whose server is a standby, or silent, fails its check', async () => {
    const dedicated = await open()
    driver.server(a).role = 'standby'
    await expect(dedicated.check()).rejects.toThrow('a is a standby now')
    driver.server(a).hang()
    const checking = expectLater(dedicated.check())
    await clock.advance(200)
    await expect(checking).rejects.toThrow('a did not answer within 200 ms')
    dedicated.destroy()
  })

  test('is cut off if its server does not take the goodbye', async () => {
    const dedicated = await open()
    driver.server(a).hang()
    const closing = dedicated.close()
    await clock.advance(100)
    await closing
    expect(dedicated.connection.ended).toBe('destroyed')
  })
})
