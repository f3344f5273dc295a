import type { ConnmgrEvent } from '@connmgr/core'
import { systemClock } from '@connmgr/core/driver'
import {
  eventually,
  type PostgresCluster,
  patient,
  startCluster,
  startFaultProxy,
  startSilentServer,
} from '@connmgr/testing'
import {
  createConnectionManager,
  type NotificationGap,
  type PgConnectionManager,
  type PgManagerOptions,
} from '../index.js'

const LISTENERS = `select pid from pg_stat_activity where query ilike 'listen%' and pid <> pg_backend_pid()`

describe('listening', () => {
  let cluster: PostgresCluster
  let manager: PgConnectionManager
  let events: ConnmgrEvent[]

  beforeAll(async () => {
    cluster = await startCluster({ standbys: 1 })
  })
  afterEach(() => manager.close())
  afterAll(() => cluster.stop())

  function start(options: PgManagerOptions = {}): void {
    manager = createConnectionManager({
      databaseUrl: cluster.nodes[0]?.url(),
      failoverUrls: [cluster.nodes[1]?.url() as string],
      logger: false,
      ...options,
    })
    events = []
    manager.onAny((event) => events.push(event))
  }

  /** Listens, and keeps everything in the order in which it came. */
  async function follow(channel: string) {
    const log: (string | NotificationGap)[] = []
    const unlisten = await manager.listen(channel, ({ payload }) => void log.push(payload), {
      onGap: (gap) => void log.push(gap),
    })
    return { log, unlisten, gaps: () => log.filter((each) => typeof each !== 'string') }
  }

  const gapEvents = () => events.filter(({ type }) => type === 'notificationGap')

  test.each([
    ['jobs', 'ready'],
    ['Jobs of "Ada"; drop table x', `it's "quoted"\n\\ and $1`],
    ['ünïcödé 🐘', ''],
    ['x'.repeat(63), 'y'.repeat(7999)],
  ])('delivers what is sent on %j', async (channel, payload) => {
    start()
    const received: unknown[] = []
    await manager.listen(channel, (notification) => void received.push(notification))
    await manager.notify(channel, payload)
    await eventually(() => received.length === 1)
    expect(received).toEqual([{ channel, payload, processId: expect.any(Number) }])
  })

  test.each([[''], ['x'.repeat(64)], ['ü'.repeat(32)], ['a\0b']])(
    'refuses a channel that PostgreSQL would cut off or cannot name: %j',
    async (channel) => {
      start()
      await expect(manager.listen(channel, () => {})).rejects.toMatchObject({
        code: 'CONNMGR_INVALID_OPTION',
        option: 'channel',
      })
    },
  )

  test('takes no connection of the pool, and works while that is exhausted or suspended', async () => {
    start({ poolSize: 1, maxOverflow: 0 })
    const first = await follow('first')
    const lease = await manager.acquire()
    manager.suspend()
    const second = await follow('second')
    for (const channel of ['first', 'second'])
      await cluster.primary.query('select pg_notify($1, $2)', [channel, channel])
    await eventually(() => first.log.length === 1 && second.log.length === 1)
    expect([first.log, second.log]).toEqual([['first'], ['second']])
    expect(manager.getPoolMetrics()).toMatchObject({ totalConnectionsCreated: 1, checkedOut: 1 })
    lease.release()
  })

  test('one connection serves all channels and listeners, and ends with the last of them', async () => {
    start()
    const all = await Promise.all(['a', 'b', 'b'].map(follow))
    expect(await cluster.primary.query(LISTENERS)).toHaveLength(1)
    all[1]?.unlisten()
    await manager.notify('b', 'one')
    await eventually(() => all[2]?.log.length === 1)
    expect(all.map(({ log }) => log)).toEqual([[], [], ['one']])
    for (const { unlisten } of all) unlisten()
    await eventually(async () => (await cluster.primary.query(LISTENERS)).length === 0)
    const again = await follow('b')
    await manager.notify('b', 'two')
    await eventually(() => again.log.length === 1)
    expect(again.log).toEqual(['two'])
    expect(gapEvents()).toEqual([])
  })

  test('a listener that throws or rejects is reported, and the others go on', async () => {
    start()
    await manager.listen('jobs', () => {
      throw new Error('thrown')
    })
    await manager.listen('jobs', async () => {
      throw new Error('rejected')
    })
    const { log } = await follow('jobs')
    await manager.notify('jobs', 'one')
    await eventually(() => log.length === 1)
    const failures = events.filter(({ type }) => type === 'listenerFailed')
    expect(failures).toMatchObject([
      { reason: 'a listener of channel "jobs" threw', error: { message: 'thrown' } },
      { error: { message: 'rejected' } },
    ])
  })

  test('after its backend was terminated it listens again and tells of the gap, before anything that comes later', async () => {
    start()
    const jobs = await follow('jobs')
    const mail = await follow('mail')
    await manager.notify('jobs', 'before')
    await eventually(() => jobs.log.length === 1)
    await cluster.primary.query(`select pg_terminate_backend(pid) from (${LISTENERS}) as listeners`)
    let sent = 0
    await eventually(async () => {
      sent += 1
      await manager.notify('jobs', String(sent))
      return jobs.gaps().length === 1 && jobs.log.at(-1) === String(sent)
    })
    expect(jobs.log.slice(0, 2)).toEqual([
      'before',
      { channel: 'jobs', reason: expect.any(String), durationMs: expect.any(Number) },
    ])
    // From the first that arrived after the gap, none is missing.
    const after = jobs.log.slice(2).map(Number)
    expect(after).toEqual(after.map((_, index) => (after[0] as number) + index))
    expect(mail.log).toMatchObject([{ channel: 'mail' }])
    expect(gapEvents()).toMatchObject([{ channels: ['jobs', 'mail'] }])
  })

  /** A manager of one server that is reached through a proxy. */
  async function startBehindProxy(options: PgManagerOptions = {}) {
    const { port } = cluster.primary
    const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port } })
    start({
      databaseUrl: cluster.primary.url().replace(`:${port}`, `:${proxy.port}`),
      failoverUrls: [],
      ...options,
    })
    return proxy
  }

  test('when its server answers nothing any more, and then does, it listens again', async () => {
    await using proxy = await startBehindProxy({
      connectTimeoutMs: patient(200),
      healthMonitoring: { intervalMs: 100, timeoutMs: patient(100) },
    })
    const { log, gaps } = await follow('jobs')
    proxy.blackHole()
    await eventually(() =>
      events.some((event) => event.type === 'endpointStateChanged' && event.to === 'DOWN'),
    )
    await proxy.heal()
    await eventually(() => gaps().length === 1)
    await manager.notify('jobs', 'after')
    await eventually(() => log.at(-1) === 'after')
  })

  test('a socket that a firewall has silently dropped is found out by the heartbeat', async () => {
    const heartbeatMs = 15_000
    await using proxy = await startBehindProxy({
      validateTimeoutMs: patient(100),
      clock: {
        ...systemClock,
        setTimeout: (callback, delayMs, keepAlive) =>
          systemClock.setTimeout(callback, delayMs === heartbeatMs ? 50 : delayMs, keepAlive),
      },
    })
    const { gaps } = await follow('jobs')
    proxy.abandon()
    await eventually(() => gaps().length === 1)
    expect(gaps()).toMatchObject([{ reason: expect.stringContaining('did not answer within') }])
  })

  test('without a server it rejects at its deadline and says why; nothing is left behind', async () => {
    start({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', failoverUrls: [] })
    await expect(
      manager.listen('jobs', () => {}, { timeoutMs: patient(100) }),
    ).rejects.toMatchObject({
      code: 'CONNMGR_ACQUIRE_TIMEOUT',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('close ends a listen that is under way, even with a server that answers nothing', async () => {
    const silent = await startSilentServer()
    start({ databaseUrl: `postgres://x@127.0.0.1:${silent.port}/x`, failoverUrls: [] })
    const listening = manager.listen('jobs', () => {})
    const rejected = expect(listening).rejects.toMatchObject({ code: 'CONNMGR_POOL_CLOSED' })
    await eventually(() => silent.connections > 0)
    await manager.close()
    await rejected
    await silent.close()
    await expect(manager.listen('jobs', () => {})).rejects.toMatchObject({
      code: 'CONNMGR_POOL_CLOSED',
    })
  })

  test('a crash and a promotion, then a switchover back: it follows the writer, with a gap each', async () => {
    start()
    const [first, second] = cluster.nodes
    if (first === undefined || second === undefined) throw new Error('the cluster has two nodes')
    const { log, gaps } = await follow('jobs')
    for (const [from, to] of [
      [first, second],
      [second, first],
    ] as const) {
      const before = gaps().length
      if (from === first) await from.crash()
      else await from.stop('fast')
      await to.promote()
      await eventually(() => gaps().length === before + 1)
      await manager.notify('jobs', `at ${to.name}`)
      await eventually(() => log.at(-1) === `at ${to.name}`)
      expect(gapEvents().at(-1)).toMatchObject({ endpoint: `127.0.0.1:${to.port}/postgres` })
      await from.rebuildAsStandbyOf(to)
      await eventually(() =>
        manager
          .getFailoverStatus()
          .endpoints.some(({ role, state }) => role === 'standby' && state !== 'DOWN'),
      )
    }
    expect(gaps()).toHaveLength(2)
  })

  test('a frozen primary is left for the promoted standby', async () => {
    start()
    const [first, second] = cluster.nodes
    if (first === undefined || second === undefined) throw new Error('the cluster has two nodes')
    const { log, gaps } = await follow('jobs')
    await first.freeze()
    await second.promote()
    await eventually(() => gaps().length === 1)
    await manager.notify('jobs', 'after')
    await eventually(() => log.at(-1) === 'after')
    await first.crash()
  })
})
