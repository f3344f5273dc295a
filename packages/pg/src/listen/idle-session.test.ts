import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())
afterEach(async () => {
  await manager.close({ drainTimeoutMs: 0 })
  await cluster.primary.query('alter system reset idle_session_timeout')
  await cluster.primary.query('select pg_reload_conf()')
})

const listeners = () =>
  cluster.primary.query<{ pid: number; idle: boolean }>(
    `select pid, now() - state_change > interval '1.5 s' as idle from pg_stat_activity
      where query like 'LISTEN%' and state = 'idle'`,
  )

async function listening(url = cluster.primary.url()) {
  manager = createConnectionManager({ databaseUrl: url, logger: false })
  const received: string[] = []
  const gaps: string[] = []
  await manager.listen('jobs', ({ payload }) => void received.push(payload), {
    onGap: ({ reason }) => void gaps.push(reason),
  })
  return { received, gaps }
}

test.each(['the server', 'the role'])(
  'a listener outlives the idle_session_timeout of %s',
  async (of) => {
    const user = new URL(cluster.primary.url()).username
    const set =
      of === 'the server'
        ? "alter system set idle_session_timeout = '300ms'"
        : `alter role "${user}" set idle_session_timeout = '300ms'`
    await cluster.primary.query(set)
    await cluster.primary.query('select pg_reload_conf()')
    const { received, gaps } = await listening()
    const [before] = await listeners()
    // Idle for five times as long as other sessions may be.
    await eventually(async () => (await listeners())[0]?.idle === true)
    expect((await listeners())[0]?.pid).toBe(before?.pid)
    await cluster.primary.query("select pg_notify('jobs', 'after')")
    await eventually(() => received.length > 0)
    expect(received).toEqual(['after'])
    expect(gaps).toEqual([])
    await cluster.primary.query(`alter role "${user}" reset idle_session_timeout`)
  },
)

test('a limit that comes while it listens costs at most a gap, which is reported, and is lifted then', async () => {
  const { received, gaps } = await listening()
  const [before] = await listeners()
  await cluster.primary.query("alter system set idle_session_timeout = '300ms'")
  await cluster.primary.query('select pg_reload_conf()')
  await eventually(async () => (await listeners())[0]?.idle === true)
  const [now] = await listeners()
  expect(gaps).toHaveLength(now?.pid === before?.pid ? 0 : 1)
  await cluster.primary.query("select pg_notify('jobs', 'after')")
  await eventually(() => received.length > 0)
  expect(received).toEqual(['after'])
})
