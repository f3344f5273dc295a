import type { DemoResult } from '../proof/demo/src/result.js'
import { verdictOn } from '../proof/demo/src/verdict.js'

const GOOD = {
  orms: ['typeorm', 'prisma'],
  leaks: [
    { orm: 'prisma', file: 'demo/src/prisma.ts', line: 7, function: 'forget', heldForMs: 900 },
    { orm: 'typeorm', file: 'demo/src/typeorm.ts', line: 9, function: 'forget', heldForMs: 900 },
  ],
  failover: {
    crashAt: '2026-01-01T00:00:00.000Z',
    detectedAfterMs: 40,
    promotedAfterMs: 1500,
    firstWriteAfterPromotionMs: { typeorm: 12, prisma: 9 },
    rebuiltAfterMs: 3000,
  },
  ledger: {
    acknowledged: 300,
    failed: 0,
    unknown: 1,
    unknownCommitted: 1,
    deniedCommitted: 0,
    lost: 0,
    duplicated: 0,
  },
  reads: { done: 120, failed: 1 },
  processCrashes: 0,
} as unknown as DemoResult

const broken = (result: DemoResult) =>
  verdictOn(result, 'demo')
    .filter(({ ok }) => !ok)
    .map(({ text, seen }) => `${text}: ${seen}`)

test('a run in which all went well breaks no promise', () => {
  expect(broken(GOOD)).toEqual([])
})

test.each<[string, DemoResult, RegExp]>([
  ['a leak that was not reported', { ...GOOD, leaks: GOOD.leaks.slice(1) }, /prisma: not reported/],
  [
    'a leak that was blamed on a library',
    {
      ...GOOD,
      leaks: GOOD.leaks.map((leak) => ({ ...leak, file: 'node_modules/pg/lib/client.js' })),
    },
    /node_modules\/pg\/lib\/client\.js:9/,
  ],
  [
    'a crash that was not detected',
    { ...GOOD, failover: { ...GOOD.failover, detectedAfterMs: Number.NaN } },
    /crash of the primary was detected/,
  ],
  [
    'an ORM that did not write again',
    {
      ...GOOD,
      failover: { ...GOOD.failover, firstWriteAfterPromotionMs: { typeorm: 12, prisma: null } },
    },
    /prisma: never/,
  ],
  ['a lost write', { ...GOOD, ledger: { ...GOOD.ledger, lost: 2 } }, /2 lost/],
  ['a doubled write', { ...GOOD, ledger: { ...GOOD.ledger, duplicated: 3 } }, /3 twice/],
  ['an uncaught error', { ...GOOD, processCrashes: 1 }, /1 uncaught/],
])('%s breaks exactly one promise, which says what was seen', (_what, result, seen) => {
  expect(broken(result)).toEqual([expect.stringMatching(seen)])
})
