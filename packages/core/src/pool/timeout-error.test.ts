import type { LeaseReport } from '../leaks/lease-report.js'
import { acquireTimeoutError } from './timeout-error.js'

const IDLE = { total: 1, idle: 0, inUse: 0, connecting: 0, waiting: 1, overflow: 0, limit: 1 }
const FULL = { ...IDLE, inUse: 1 }
const holder = { heldForMs: 900.4, checkedOutBy: 'sell (/a.ts:1:2)', label: 'shop' } as LeaseReport

function timeout(given: Partial<Parameters<typeof acquireTimeoutError>[0]>) {
  return acquireTimeoutError({
    pool: 'p',
    endpoint: 'db',
    waitedMs: 500,
    timeoutMs: 500,
    counts: IDLE,
    testing: 0,
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
  ['validate', 'is being validated and has not answered', { testing: 1 }],
])('phase %s is explained as "%s"', (phase, words, given) => {
  const error = timeout(given)
  expect(error).toMatchObject({ phase, waitedMs: given.waitedMs ?? 500 })
  expect(error.cause).toBe(given.lastConnectError)
  expect(error.message).toContain(words)
})

test('a delay too short to matter is not called a stall', () => {
  expect(timeout({ waitedMs: 740 }).message).not.toContain('blocked')
})
