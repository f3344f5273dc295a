import { setFlagsFromString } from 'node:v8'
import { tracedConnection } from './statement-trace.js'

setFlagsFromString('--allow-natives-syntax')
const haveSameMap = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (
  a: object,
  b: object,
) => boolean

const lease = { id: 7, connectionId: 3, active: true, owner: {} }

test('names the lease only while it is active', () => {
  expect(tracedConnection({ lease }, 12, false)).toEqual({
    connectionId: 3,
    processId: 12,
    lease: 7,
    instrumented: false,
  })
  expect(tracedConnection({ lease: { ...lease, active: false } })).toEqual({ connectionId: 3 })
  expect(tracedConnection({ lease: undefined })).toEqual({})
})

test('makes objects of one hidden class, whatever is known: V8 takes microseconds to make another for each statement', () => {
  const all = [
    tracedConnection({ lease }),
    tracedConnection({ lease }, 12),
    tracedConnection({ lease: { ...lease, active: false } }, 12, true),
    tracedConnection({ lease: undefined }, undefined, false),
  ]
  for (const each of all) expect(haveSameMap(each, all[0] as object)).toBe(true)
  expect(haveSameMap({ ...all[0], more: 1 }, all[0] as object)).toBe(false)
})
