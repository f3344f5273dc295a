import type { LeaseReport } from '../vocabulary/lease-report.js'
import { acquireTimeoutError } from './timeout-error.js'

const IDLE = {
  total: 1,
  idle: 0,
  inUse: 0,
  testing: 0,
  cleaning: 0,
  connecting: 0,
  waiting: 1,
  overflow: 0,
  limit: 1,
}
const FULL = { ...IDLE, inUse: 1 }
const holder = { heldForMs: 900.4, checkedOutBy: 'sell (/a.ts:1:2)', label: 'shop' } as LeaseReport

function timeout(given: Partial<Parameters<typeof acquireTimeoutError>[0]>) {
  return acquireTimeoutError({
    pool: 'p',
    endpoint: 'db',
    waitedMs: 500,
    timeoutMs: 500,
    counts: IDLE,
    exclusive: false,
    heldByItself: undefined,
    holders: [],
    lastConnectError: undefined,
    ...given,
  })
}

test.each<[string, string, Parameters<typeof timeout>[0]]>([
  ['wait', 'the longest for 900 ms by sell (/a.ts:1:2)', { counts: FULL, holders: [holder] }],
  [
    'wait',
    'for 900 ms by shop',
    { counts: FULL, holders: [{ ...holder, checkedOutBy: undefined }] },
  ],
  [
    'wait',
    'by a caller whose stack was not captured',
    { counts: FULL, holders: [{ ...holder, checkedOutBy: undefined, label: undefined } as never] },
  ],
  ['wait', 'all connections are busy', { counts: FULL }],
  ['wait', 'all connections are busy', {}],
  ['connect', 'has not answered the attempt to connect', { counts: { ...IDLE, connecting: 1 } }],
  ['connect', 'cannot be reached: refused', { lastConnectError: new Error('refused') }],
  [
    'wait',
    'for 400 ms of it the event loop was blocked',
    { waitedMs: 900, counts: FULL, holders: [holder] },
  ],
  ['validate', 'is being validated and has not answered', { counts: { ...IDLE, testing: 1 } }],
])('phase %s is explained as "%s"', (phase, words, given) => {
  const error = timeout(given)
  expect(error).toMatchObject({ phase, waitedMs: given.waitedMs ?? 500 })
  expect(error.cause).toBe(given.lastConnectError)
  expect(error.message).toContain(words)
})

test('a delay too short to matter is not called a stall', () => {
  expect(timeout({ waitedMs: 740 }).message).not.toContain('blocked')
})

test.each<[Parameters<typeof timeout>[0], string]>([
  [
    { counts: { ...FULL, idle: 2, connecting: 3, waiting: 4 }, waitedMs: 500.4 },
    'pool "p": no connection to db within 500 ms: all connections are busy' +
      ' (1 in use, 2 idle, 3 connecting, 4 waiting, limit 1)',
  ],
  [
    { waitedMs: 750, counts: { ...IDLE, testing: 1 } },
    'pool "p": no connection to db within 750 ms: a connection is being validated and has not answered' +
      '; for 250 ms of it the event loop was blocked, look for synchronous work' +
      ' (0 in use, 0 idle, 1 being tested, 0 connecting, 1 waiting, limit 1)',
  ],
  [
    { counts: { ...IDLE, cleaning: 1 } },
    'pool "p": no connection to db within 500 ms: what has come back is still being cleaned for the next borrower' +
      ' (0 in use, 0 idle, 1 being cleaned, 0 connecting, 1 waiting, limit 1)',
  ],
  [
    { counts: FULL, exclusive: true, holders: [holder], heldByItself: 7 },
    'pool "p": no connection to db within 500 ms: there is one connection, for one caller at a time ' +
      "(poolMode 'static'), and it has been in use for 900 ms by sell (/a.ts:1:2); the flow that waits holds lease 7 " +
      'itself: let it give that back before, or pass its connection on' +
      ' (1 in use, 0 idle, 0 connecting, 1 waiting, limit 1)',
  ],
])('the whole message for %j', (given, message) => {
  expect(timeout(given).message).toBe(message)
})

test('a full pool is the reason, whatever else goes on', () => {
  const counts = { ...FULL, connecting: 1, testing: 1 }
  const lastConnectError = new Error('refused')
  expect(timeout({ counts, lastConnectError }).phase).toBe('wait')
})

test('carries what was known when it happened', () => {
  const error = timeout({ counts: FULL, holders: [holder] })
  expect(error).toMatchObject({ counts: FULL, holders: [holder] })
})
