import { FakeClock } from '@connmgr/testing'
import type { ConnmgrEvent } from '../events/events.js'
import { EventEmitter } from './emitter.js'

const clock = new FakeClock()
const resized = (poolSize: number): ConnmgrEvent => ({
  type: 'poolResized',
  pool: 'p',
  endpoint: 'a',
  poolSize,
  maxOverflow: 0,
})

test('listeners hear their type, onAny hears all, in the order of subscription', () => {
  const emitter = new EventEmitter({ id: 1, name: 'p' }, clock)
  const received: string[] = []
  emitter.on('poolResized', (event) => received.push(`first ${event.poolSize}`))
  emitter.on('poolResized', (event) => received.push(`second ${event.poolSize}`))
  emitter.on('poolCleared', () => received.push('never'))
  emitter.onAny((event) => received.push(`any ${event.type}`))
  emitter.turn(() => emitter.emit(resized(3)))
  expect(received).toEqual(['first 3', 'second 3', 'any poolResized'])
})

test('one function subscribed twice is called twice and unsubscribed one at a time', () => {
  const emitter = new EventEmitter({ id: 1, name: 'p' }, clock)
  const listener = jest.fn()
  const first = emitter.on('poolResized', listener)
  emitter.on('poolResized', listener)
  emitter.turn(() => emitter.emit(resized(1)))
  expect(listener).toHaveBeenCalledTimes(2)
  first()
  first()
  emitter.turn(() => emitter.emit(resized(2)))
  expect(listener).toHaveBeenCalledTimes(3)
})

test('a listener that subscribes or unsubscribes during an event does not disturb it', () => {
  const emitter = new EventEmitter({ id: 1, name: 'p' }, clock)
  const received: string[] = []
  const off = emitter.on('poolResized', () => {
    received.push('first')
    off()
    emitter.on('poolResized', () => received.push('late'))
  })
  emitter.on('poolResized', () => received.push('second'))
  emitter.turn(() => emitter.emit(resized(1)))
  expect(received).toEqual(['first', 'second'])
  emitter.turn(() => emitter.emit(resized(2)))
  expect(received).toEqual(['first', 'second', 'second', 'late'])
})

test('what a listener throws is reported as an event; a listener of that event that throws does not loop', () => {
  const emitter = new EventEmitter({ id: 1, name: 'p' }, clock)
  const failures: ConnmgrEvent[] = []
  const received = jest.fn()
  emitter.on('poolResized', () => {
    throw new TypeError('broken listener')
  })
  emitter.on('poolResized', received)
  emitter.on('listenerFailed', (event) => {
    failures.push(event)
    throw new Error('broken too')
  })
  emitter.turn(() => emitter.emit(resized(1)))
  expect(received).toHaveBeenCalledTimes(1)
  expect(failures).toEqual([
    {
      type: 'listenerFailed',
      pool: 'p',
      reason: 'a listener of poolResized threw',
      error: { name: 'TypeError', message: 'broken listener' },
    },
  ])
})

test('a topic tells whether its event would be read', () => {
  const emitter = new EventEmitter({ id: 1, name: 'p' }, clock)
  expect(emitter.topic('connectionAcquired').wanted).toBe(false)
  const off = emitter.on('connectionAcquired', () => {})
  expect(emitter.topic('connectionAcquired').wanted).toBe(true)
  expect(emitter.topic('connectionReleased').wanted).toBe(false)
  off()
  expect(emitter.topic('connectionAcquired').wanted).toBe(false)
  const offAny = emitter.onAny(() => {})
  expect(emitter.topic('connectionReleased').wanted).toBe(true)
  offAny()
  expect(emitter.topic('connectionReleased').wanted).toBe(false)
})
