import type { RequestListener } from 'node:http'
import { ConnectionManager, type ConnmgrEvent, type EventOf } from '@connmgr/core'
import { insights } from '@connmgr/insights'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  eventually,
  FakeDriver,
  fakeEndpoint,
  type PostgresCluster,
  startCluster,
} from '@connmgr/testing'
import express from 'express'
import { listening } from '../../test/listening.js'
import { type DashboardOptions, type DashboardPurpose, dashboard } from '../index.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
let events: ConnmgrEvent[]
const open: { close(): unknown }[] = []

beforeAll(async () => {
  cluster = await startCluster({ standbys: 1 })
})
beforeEach(async () => {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    failoverUrls: cluster.standbys.map((each) => each.url()),
    name: 'shop',
    poolSize: 2,
    maxOverflow: 0,
    logger: false,
  })
  events = []
  manager.onAny((event) => events.push(event))
  await manager.ready()
})
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
  await manager.close({ drainTimeoutMs: 0 })
})
afterAll(() => cluster.stop())

const acted = () =>
  events.filter((event): event is EventOf<'operatorActed'> => event.type === 'operatorActed')
const poolOf = () => manager.getHealthStatus().poolMetrics

async function serve(options: DashboardOptions, prefix = ''): Promise<string> {
  const page = dashboard(manager, options)
  open.push(page)
  const app = express()
  app.use(express.json())
  app.use(prefix === '' ? '/' : prefix, page)
  const server = await listening(app as unknown as RequestListener)
  open.push(server)
  return `${server.url}${prefix}`
}

interface Asked {
  readonly status: number
  readonly body: { actions?: string[]; error?: string; code?: string; result?: string; by?: string }
}

async function ask(
  url: string,
  parameters: Record<string, string | number>,
  { headers = { 'x-connmgr-dashboard': 'action' }, method = 'POST' }: RequestInit = {},
): Promise<Asked> {
  const query = new URLSearchParams({ manager: `${manager.id}` })
  for (const [key, value] of Object.entries(parameters)) query.set(key, `${value}`)
  const response = await fetch(`${url}/actions?${query}`, { method, headers })
  expect(response.headers.get('content-type')).toContain('application/json')
  return { status: response.status, body: (await response.json()) as Asked['body'] }
}

const offered = async (url: string): Promise<unknown> => (await fetch(`${url}/actions`)).json()

describe('without the option actions', () => {
  test('there are none, and nothing is done', async () => {
    const url = await serve({})
    expect(await offered(url)).toEqual({ actions: [] })
    const { body, status } = await ask(url, { action: 'recycle' })
    expect(status).toBe(404)
    expect(body.error).toContain('the option "actions"')
    expect(events.filter(({ type }) => type === 'poolCleared')).toEqual([])
    expect(acted()).toEqual([])
  })
})

describe('an action', () => {
  test('check asks the servers now, and says how the one is that takes writes', async () => {
    const url = await serve({ actions: true })
    const before = manager.getHealthStats().totalChecks
    const { body, status } = await ask(url, { action: 'check' })
    expect(status).toBe(200)
    expect(body.result).toMatch(/^127\.0\.0\.1:\d+\/postgres is well: .*, as primary\.$/)
    expect(manager.getHealthStats().totalChecks).toBeGreaterThan(before)
  })

  test('recycle closes idle connections now, and lent ones when they come back', async () => {
    const url = await serve({ actions: true }, '/ops/db')
    const lent = await manager.acquire()
    ;(await manager.acquire()).release()
    const { checkedIn, checkedOut, totalConnectionsClosed: before } = poolOf()
    expect([checkedIn, checkedOut]).toEqual([1, 1])
    const { body } = await ask(url, { action: 'recycle' })
    expect(body.result).toMatch(/^\d idle connections? (was|were) closed; 1 in use will close/)
    expect(poolOf()).toMatchObject({ checkedIn: 0, checkedOut: 1 })
    await lent.connection.query('select 1')
    lent.release()
    expect(poolOf().totalConnectionsClosed).toBe(before + 2)
    expect(poolOf()).toMatchObject({ checkedIn: 0, checkedOut: 0 })
  })

  test('reclaim takes a connection from its holder, whose statement ends on the server too', async () => {
    const url = await serve({ actions: true })
    const lease = await manager.acquire({ label: 'nightly report' })
    const running = lease.connection.query('select pg_sleep(600)')
    const failed = expect(running).rejects.toThrow()
    const sleeping = () =>
      cluster.primary.query(
        `select from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'`,
      )
    await eventually(async () => (await sleeping()).length === 1)
    const { body } = await ask(url, { action: 'reclaim', lease: lease.id })
    expect(body.result).toBe(
      `Connection ${lease.connectionId} was taken from nightly report, and its slot is free.`,
    )
    await failed
    await eventually(async () => (await sleeping()).length === 0)
    expect(poolOf().checkedOut).toBe(0)
    lease.release()
    const again = await ask(url, { action: 'reclaim', lease: lease.id })
    expect([again.status, again.body.error]).toEqual([
      409,
      expect.stringContaining('has come back already'),
    ])
    expect(acted()).toMatchObject([{ result: body.result }, { error: { name: 'Refusal' } }])
  })

  test('quarantine takes a server out of service, and unquarantine puts it back', async () => {
    const url = await serve({ actions: true })
    const [standby] = cluster.standbys
    const endpoint = `127.0.0.1:${standby?.port}/postgres`
    const stateOf = () =>
      manager.getHealthStatus().failoverStats.endpoints.find(({ id }) => id === endpoint)?.state
    const out = await ask(url, { action: 'quarantine', endpoint })
    expect(out.body.result).toContain('out of service until')
    expect(stateOf()).toBe('QUARANTINED')
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'endpointStateChanged',
        reason: 'taken out of service by a browser on this machine',
      }),
    )
    const back = await ask(url, { action: 'unquarantine', endpoint })
    expect(back.body.result).toBe(`${endpoint} may serve again; it is UP.`)
    expect(stateOf()).toBe('UP')
  })

  test('failover to a standby that was not promoted is refused in the words of the manager', async () => {
    const url = await serve({ actions: true })
    const endpoint = `127.0.0.1:${cluster.standbys[0]?.port}/postgres`
    const { body, status } = await ask(url, { action: 'failover', endpoint })
    expect([status, body.code]).toEqual([409, 'CONNMGR_FAILOVER_FAILED'])
    expect(body.error).toContain(endpoint)
    expect(acted()).toMatchObject([
      { action: 'failover', endpoint, result: undefined, error: { code: body.code } },
    ])
    expect((await ask(url, { action: 'failover', endpoint: 'elsewhere:1/x' })).status).toBe(404)
  })

  test('reset-insights forgets what was seen, where something is', async () => {
    const without = await serve({ actions: true })
    expect((await ask(without, { action: 'reset-insights' })).status).toBe(409)
    const watched = insights(manager)
    open.push(watched)
    const url = await serve({ actions: true, insights: watched })
    await manager.pool.query('select 1 as seen')
    expect(watched.top()).not.toEqual([])
    expect((await ask(url, { action: 'reset-insights' })).status).toBe(200)
    expect(watched.top()).toEqual([])
  })

  test.each([
    [{ action: 'explode' }, 400, 'one of check, recycle'],
    [{}, 400, 'as "action"'],
    [{ action: 'check', manager: 'none' }, 400, 'as "manager"'],
    [{ action: 'check', manager: 999_999 }, 404, 'not there any more'],
    [{ action: 'reclaim' }, 400, 'as "lease"'],
    [{ action: 'reclaim', lease: '-1' }, 400, 'as "lease"'],
    [{ action: 'quarantine' }, 400, 'as "endpoint"'],
  ])('that is %j is %d: %s', async (parameters, status, error) => {
    const url = await serve({ actions: true })
    const refused = await ask(url, parameters as Record<string, string>)
    expect([refused.status, refused.body.error]).toEqual([status, expect.stringContaining(error)])
    expect(acted()).toEqual([])
  })

  test('that is not in the list is neither offered nor done', async () => {
    const url = await serve({ actions: ['recycle', 'check'] })
    expect(await offered(url)).toEqual({ actions: ['check', 'recycle'] })
    const { body, status } = await ask(url, { action: 'reset-insights' })
    expect([status, body.error]).toEqual([403, expect.stringContaining('is not enabled')])
  })
})

describe('a request that a page of another origin may have sent', () => {
  const OWN = { 'x-connmgr-dashboard': 'action' }
  test.each([
    ['lacks the header', {}],
    ['has another header', { 'x-connmgr-dashboard': 'yes' }],
    ['is of another site', { ...OWN, 'sec-fetch-site': 'cross-site' }],
    ['is of the same site only', { ...OWN, 'sec-fetch-site': 'same-site' }],
    ['is of no page', { ...OWN, 'sec-fetch-site': 'none' }],
    ['is of another origin', { ...OWN, origin: 'https://evil.example' }],
    ['is of another port', { ...OWN, origin: 'http://127.0.0.1:1' }],
    ['is of a sandboxed page', { ...OWN, origin: 'null' }],
  ])('and %s does nothing', async (_what, headers) => {
    const url = await serve({ actions: true })
    const { status } = await ask(url, { action: 'recycle' }, { headers })
    expect(status).toBe(403)
    expect(events.filter(({ type }) => type === 'poolCleared')).toEqual([])
  })

  test('is distinguished from those of the page, and of programs that are no browser', async () => {
    const url = await serve({ actions: true })
    const { origin } = new URL(url)
    for (const headers of [
      OWN,
      { ...OWN, origin },
      { ...OWN, 'sec-fetch-site': 'same-origin', origin: 'https://name-before-the-proxy.example' },
    ])
      expect((await ask(url, { action: 'check' }, { headers })).status).toBe(200)
  })

  test('by another method does nothing', async () => {
    const url = await serve({ actions: true })
    for (const method of ['PUT', 'DELETE', 'PATCH'])
      expect((await ask(url, { action: 'recycle' }, { method })).status).toBe(405)
    const read = await ask(url, { action: 'recycle' }, { method: 'GET' })
    expect(read.body).toEqual({ actions: expect.arrayContaining(['recycle']) })
    expect(acted()).toEqual([])
  })
})

describe('who may', () => {
  test('authorize hears what is wanted, and the name it returns stands in events and reasons', async () => {
    const wanted: DashboardPurpose[] = []
    const url = await serve({
      actions: ['recycle'],
      authorize: (_request, purpose) => {
        wanted.push(purpose)
        return { name: 'ann\n\u001b[31m@example.com' }
      },
    })
    const { body } = await ask(url, { action: 'recycle' })
    expect(wanted).toEqual([{ action: 'view' }, { action: 'recycle', manager: 'shop' }])
    expect(body.by).toBe('ann [31m@example.com')
    expect(acted()).toMatchObject([
      { pool: 'shop', action: 'recycle', by: body.by, result: body.result },
    ])
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'poolCleared', reason: `recycled by ${body.by}` }),
    )
  })

  test('one who may only look is offered nothing, and refused', async () => {
    const url = await serve({
      actions: true,
      authorize: async (_request, { action }) => action === 'view' || action === 'check',
    })
    expect(await offered(url)).toEqual({ actions: ['check'] })
    const { body, status } = await ask(url, { action: 'recycle' })
    expect([status, body.error]).toEqual([403, expect.stringContaining('You may see this page')])
    expect((await ask(url, { action: 'check' })).body.by).toBe('an unnamed visitor')
    expect(acted()).toMatchObject([{ action: 'check', by: undefined }])
  })

  test.each([
    ['a name that is none', () => ({ name: undefined as unknown as string })],
    ['an empty name', () => ({ name: ' ' })],
    ['a text', () => 'ann' as unknown as boolean],
    ['a promise that rejects', () => Promise.reject(new Error('secret'))],
  ])('%s of authorize is a refusal', async (_what, decide) => {
    const url = await serve({
      actions: true,
      authorize: (_request, { action }) => (action === 'view' ? true : decide()),
    })
    expect(await offered(url)).toEqual({ actions: [] })
    const { body, status } = await ask(url, { action: 'recycle' })
    expect(status).toBe(403)
    expect(JSON.stringify(body)).not.toContain('secret')
    expect(acted()).toEqual([])
  })

  test('a request that may not see the page may do nothing, as one that came through a proxy', async () => {
    const url = await serve({ actions: true })
    const headers = { 'x-connmgr-dashboard': 'action', 'x-forwarded-for': '203.0.113.9' }
    for (const method of ['GET', 'POST'])
      expect((await fetch(`${url}/actions?action=recycle`, { method, headers })).status).toBe(403)
    expect(acted()).toEqual([])
  })
})

test('requests of fetch act alike, behind any prefix', async () => {
  const page = dashboard(manager, { actions: true, authorize: () => ({ name: 'ann' }) })
  open.push(page)
  const at = `https://shop.example/any/prefix/actions`
  const headers = { 'x-connmgr-dashboard': 'action', origin: 'https://shop.example' }
  const listed = await page.fetch(new Request(at))
  expect(await listed.json()).toMatchObject({ actions: expect.arrayContaining(['failover']) })
  const url = `${at}?action=recycle&manager=${manager.id}`
  const done = await page.fetch(new Request(url, { method: 'POST', headers }))
  expect([done.status, await done.json()]).toMatchObject([200, { by: 'ann', manager: 'shop' }])
  const foreign = { ...headers, origin: 'https://evil.example' }
  expect((await page.fetch(new Request(url, { method: 'POST', headers: foreign }))).status).toBe(
    403,
  )
  expect(acted()).toHaveLength(1)
})

describe('of managers on a driver of fakes', () => {
  const query = (id: number, rest: string) =>
    new Request(`http://shop.example/actions?manager=${id}&${rest}`, {
      method: 'POST',
      headers: { 'x-connmgr-dashboard': 'action' },
    })

  function fake(endpoints: string[], options: object, driver = new FakeDriver()) {
    const made = new ConnectionManager({
      driver,
      endpoints: endpoints.map(fakeEndpoint),
      options: { logger: false, healthMonitoring: false, ...options },
    })
    const page = dashboard(made as unknown as ConnectionManager<object>, {
      actions: true,
      authorize: () => true,
    })
    open.push(made, page)
    return { made, page }
  }

  test('failover moves callers to the server that was named', async () => {
    const { made, page } = fake(['a', 'b'], { failover: { mode: 'ordered' } })
    await made.start()
    const done = await page.fetch(query(made.id, 'action=failover&endpoint=b'))
    expect(await done.json()).toMatchObject({ result: 'b takes writes.' })
    expect(made.getFailoverStatus().activeEndpoint).toBe('b')
  })

  test('the one connection of a static pool stays: what is in it would be lost', async () => {
    const { made, page } = fake(['memory'], { poolMode: 'static' })
    const lease = await made.acquire()
    for (const rest of ['action=recycle', `action=reclaim&lease=${lease.id}`]) {
      const refused = await page.fetch(query(made.id, rest))
      expect([refused.status, await refused.json()]).toEqual([
        409,
        { error: expect.stringContaining('keeps one connection for good') },
      ])
    }
    expect(lease.connection.open).toBe(true)
    lease.release()
  })

  test('what fails is reported without secrets', async () => {
    const driver = new FakeDriver()
    const { made, page } = fake(['a'], {}, driver)
    driver.always('probe', { throw: new Error('postgres://app:hidden-word@db/app is gone') })
    driver.always('connect', { throw: new Error('postgres://app:hidden-word@db/app is gone') })
    const reported: ConnmgrEvent[] = []
    made.onAny((event) => reported.push(event))
    const done = await page.fetch(query(made.id, 'action=check'))
    const text = await done.text()
    expect(text).toContain('does not answer as it should')
    expect(text).not.toContain('hidden-word')
    const noted = reported.filter(({ type }) => type === 'operatorActed')
    expect(noted).toHaveLength(1)
    expect(JSON.stringify(noted)).not.toContain('hidden-word')
  })
})

test.each([['recycle'], [['recycle', 'explode']], [1]])('actions: %j is refused', (actions) => {
  expect(() => dashboard(manager, { actions: actions as never })).toThrow('actions')
})
