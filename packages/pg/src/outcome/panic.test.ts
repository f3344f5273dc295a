import type { End } from '../../test/ends.js'
import { ScriptedServer } from '../../test/scripted-server.js'
import { ManagedPool } from '../managed-pool.js'

const UNKNOWN = { code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' }
const LOST = { code: 'CONNMGR_CONNECTION_LOST' }

let pool: ManagedPool
afterEach(() => pool.$connections.close({ drainTimeoutMs: 0 }))

/** A pool of a server that meets an end with its first statement. */
function open(end: Partial<End>, config: { shared?: boolean; replay?: 'safe' } = {}) {
  const server = new ScriptedServer([
    { after: 0, place: 'committing', kind: 'panic', kept: true, cut: false, ...end },
  ])
  pool = new ManagedPool({
    host: '127.0.0.1',
    port: 1,
    max: 1,
    stream: () => server.connect() as never,
    shared: config.shared ?? false,
    replayStatements: config.replay ?? 'never',
    healthMonitoring: false,
    logger: false,
  })
  return server
}

const insert = (row: number) => pool.query(`insert into ledger values (${row})`)

test.each(['panic', 'panic, in Russian', 'panic with the SQLSTATE of a shutdown'] as const)(
  'a write whose server dies in the midst of its commit is of unknown outcome, and not run again: %s',
  async (kind) => {
    for (const kept of [true, false]) {
      for (const shared of [true, false]) {
        const server = open({ kind, kept }, { shared, replay: 'safe' })
        await expect(insert(1)).rejects.toMatchObject(UNKNOWN)
        expect(server.committed.get(1) ?? 0).toBe(kept ? 1 : 0)
        await pool.$connections.close({ drainTimeoutMs: 0 })
      }
    }
  },
)

test('of what was sent behind it on a shared connection nothing is known either', async () => {
  const server = open({}, { shared: true, replay: 'safe' })
  const reported = await Promise.allSettled([1, 2, 3].map(insert))
  expect(reported).toMatchObject([{ reason: UNKNOWN }, { reason: UNKNOWN }, { reason: UNKNOWN }])
  expect([...server.committed]).toEqual([[1, 1]])
})

test('what was sent behind a statement that the server ended its session at is run elsewhere, once', async () => {
  const server = open({ kind: 'terminated', place: 'executed' }, { shared: true })
  const reported = await Promise.allSettled([1, 2, 3].map(insert))
  expect(reported).toMatchObject([
    { reason: LOST },
    { status: 'fulfilled' },
    { status: 'fulfilled' },
  ])
  expect([...server.committed]).toEqual([
    [2, 1],
    [3, 1],
  ])
})

test.each([
  'pooler that says what a server would',
  'pooler without the severity',
  'garbage',
] as const)('what is no word of a server proves nothing: %s', async (kind) => {
  open({ kind })
  await expect(insert(1)).rejects.toMatchObject(UNKNOWN)
})

test('an answer after the end of a command proves nothing, as the commit comes after it', async () => {
  const server = open({ kind: 'terminated', place: 'answered' })
  const query = { text: 'insert into ledger values (1)', queryMode: 'extended' }
  await expect(pool.query(query)).rejects.toMatchObject(UNKNOWN)
  expect(server.committed.get(1)).toBe(1)
})

test.each([
  ['before COMMIT was sent has written nothing', 1, 'executed', LOST, 0],
  ['in the midst of its COMMIT is of unknown outcome', 2, 'committing', UNKNOWN, 1],
] as const)('a transaction whose server dies %s', async (_when, after, place, reported, times) => {
  const server = open({ after, place })
  const running = pool.$connections.transaction((client) =>
    client.query('insert into ledger values (1)'),
  )
  await expect(running).rejects.toMatchObject(reported)
  expect(server.committed.get(1) ?? 0).toBe(times)
})
