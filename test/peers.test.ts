import { judge } from '../proof/chaos/src/peers/outcome.js'
import type { Write } from '../proof/chaos/src/peers/peer-process.js'
import { overviewOf, summarize } from '../proof/chaos/src/peers/summary.js'

const FAULT_AT = 10_000
const END = 20_000

/** A server that holds these rows. */
function serverWith(ids: readonly string[]) {
  const rows = [...new Set(ids)].map((id) => ({
    id,
    copies: ids.filter((each) => each === id).length,
  }))
  return { query: async <R extends object>() => rows as unknown as R[] }
}

function written(id: string, at: number): Write {
  return { id, begunAt: at - 1, settledAt: at }
}

function rejected(id: string, at: number, reportedUnknown = false): Write {
  return {
    id,
    begunAt: at - 1,
    settledAt: at,
    rejection: { code: 'X', message: 'broken', reportedUnknown },
  }
}

/** Fifty writes a second. */
function steady(prefix: string, from: number, to: number): Write[] {
  const count = Math.floor((to - from) / 20)
  return Array.from({ length: count }, (_, index) =>
    written(`${prefix}${index}`, from + index * 20),
  )
}

function judged(writes: readonly Write[], held: readonly string[], crashed = false) {
  return judge(serverWith(held), {
    writes,
    moments: { from: FAULT_AT, writableAt: FAULT_AT + 2000 },
    endedAt: END,
    crashed,
  })
}

const idsOf = (writes: readonly Write[]): string[] => writes.map(({ id }) => id)

test('a client that recovers has a gap, a first write, and nothing lost', async () => {
  const writes = [...steady('a', 9000, FAULT_AT), ...steady('b', FAULT_AT + 2150, END)]
  expect(await judged(writes, idsOf(writes))).toMatchObject({
    gapMs: 2170,
    firstWriteMs: 150,
    failed: 0,
    unknown: 0,
    recovered: 'yes',
    lost: 0,
    duplicated: 0,
  })
})

test('what was acknowledged and is not there is lost, and is no success', async () => {
  const before = steady('a', 9000, FAULT_AT)
  const after = steady('b', FAULT_AT + 2150, END)
  expect(await judged([...before, ...after], idsOf(before))).toMatchObject({
    gapMs: Number.POSITIVE_INFINITY,
    recovered: 'no',
    lost: after.length,
  })
})

test('tells failures from what is unknown, and finds those that were written all the same', async () => {
  const writes = [
    ...steady('a', 9000, FAULT_AT),
    rejected('refused', FAULT_AT),
    rejected('there', FAULT_AT),
    rejected('reported', FAULT_AT, true),
    { id: 'hangs', begunAt: FAULT_AT },
    ...steady('b', FAULT_AT + 2150, END),
  ]
  const held = idsOf(writes).filter((id) => id !== 'refused' && id !== 'hangs')
  expect(await judged(writes, [...held, 'reported'])).toMatchObject({
    failed: 2,
    failedButWritten: 1,
    unknown: 2,
    hanging: 1,
    duplicated: 1,
    errors: { X: 3 },
  })
})

test('failures to the end are a recovery in part', async () => {
  const writes = [...steady('b', FAULT_AT + 2150, END), rejected('late', END - 100)]
  expect(await judged(writes, idsOf(writes))).toMatchObject({ recovered: 'partly' })
})

test('a crash is no recovery, whatever went well before', async () => {
  const writes = steady('a', 9000, END)
  expect(await judged(writes, idsOf(writes), true)).toMatchObject({
    crashes: 1,
    recovered: 'no',
    gapMs: Number.POSITIVE_INFINITY,
  })
})

test('the overview shows medians, crashes and the worst loss', async () => {
  const good = await judged(steady('a', 9000, END), idsOf(steady('a', 9000, END)))
  const crash = {
    ...good,
    crashes: 1 as const,
    recovered: 'no' as const,
    gapMs: Number.POSITIVE_INFINITY,
  }
  const lossy = { ...good, gapMs: 2500, failed: 7, lost: 3 }
  const table = overviewOf(
    [
      summarize('A', 'steady', [good, lossy, lossy]),
      summarize('A', 'fragile', [crash, good, crash]),
    ],
    (client) => client,
  )
  expect(table).toContain('2.50 s / 7 / 0, 3 lost')
  expect(table).toContain('process ends')
})
