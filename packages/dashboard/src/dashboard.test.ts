import type { RequestListener } from 'node:http'
import { insights } from '@connmgr/insights'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { type PostgresCluster, startCluster } from '@connmgr/testing'
import express from 'express'
import { listening as listen } from '../test/listening.js'
import { type Dashboard, type DashboardOptions, type DashboardView, dashboard } from './index.js'
import { verdictOf } from './verdict.js'

let cluster: PostgresCluster
let manager: PgConnectionManager
const open: { close(): unknown }[] = []

beforeAll(async () => {
  cluster = await startCluster()
})
beforeEach(async () => {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    name: 'shop',
    poolSize: 2,
    maxOverflow: 0,
    logger: false,
  })
  await manager.ready()
})
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
  await manager.close({ drainTimeoutMs: 0 })
})
afterAll(() => cluster.stop())

function mounted(options: DashboardOptions = {}): Dashboard {
  const page = dashboard(manager, options)
  open.push(page)
  return page
}

async function listening(handler: RequestListener): Promise<string> {
  const server = await listen(handler)
  open.push(server)
  return server.url
}

async function viewAt(url: string): Promise<DashboardView> {
  return (await (await fetch(url)).json()) as DashboardView
}

describe('what it serves', () => {
  test('the page under the prefix of Express, whose files lie beside it', async () => {
    const app = express()
    app.use('/ops/connmgr', mounted({ title: 'Shop <db>' }))
    const url = await listening(app as never)
    const page = await fetch(`${url}/ops/connmgr`)
    expect([page.url, page.status]).toEqual([`${url}/ops/connmgr/`, 200])
    const html = await page.text()
    expect(html).toContain('<title>Shop &#60;db&#62;</title>')
    for (const [, file] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
      expect(file).not.toMatch(/^(?:\/|https?:)/)
      const asset = await fetch(new URL(file as string, page.url))
      expect([file, asset.status]).toEqual([file, 200])
      expect((await asset.text()).length).toBeGreaterThan(1000)
    }
  })

  test.each(['/', '/any/prefix/'])('on a server of node:http, at %s', async (path) => {
    const url = await listening(mounted())
    expect((await fetch(`${url}${path}`)).headers.get('content-type')).toContain('text/html')
    expect((await viewAt(`${url}${path}view.json`)).managers).toMatchObject([{ name: 'shop' }])
  })

  test('pages without scripts or styles of their own, which nothing may frame or keep', async () => {
    const url = await listening(mounted())
    const page = await fetch(url)
    const policy = page.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).not.toContain('unsafe')
    expect(page.headers.get('x-frame-options')).toBe('DENY')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(await page.text()).not.toMatch(/<script>|<style| style=| on\w+=/)
  })

  test('nothing but reads', async () => {
    const url = await listening(mounted())
    for (const method of ['POST', 'PUT', 'DELETE'])
      expect((await fetch(`${url}/view.json`, { method })).status).toBe(405)
    const head = await fetch(`${url}/view.json`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test('pictures, one after the other, until the page goes or the dashboard closes', async () => {
    const page = mounted({ intervalMs: 250 })
    const url = await listening(page)
    const response = await fetch(`${url}/events`)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    while (text.split('data: ').length < 4)
      text += Buffer.from((await reader.read()).value ?? []).toString()
    const views = [...text.matchAll(/^data: (.+)$/gm)].map(([, json]) => JSON.parse(json as string))
    for (const view of views) expect(view.managers[0].health.healthy).toBe(true)
    page.close()
    for (;;) if ((await reader.read()).done) break
  })

  test('requests of fetch alike', async () => {
    const page = mounted({ authorize: () => true })
    const at = (path: string) => page.fetch(new Request(`https://shop.example/db/${path}`))
    expect(await (await at('')).text()).toContain('<!doctype html>')
    expect(((await (await at('view.json')).json()) as DashboardView).managers).toHaveLength(1)
    const stream = (await at('events')).body as ReadableStream<Uint8Array>
    const reader = stream.getReader()
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toContain('data: {')
    await reader.cancel()
  })
})

describe('who may see it', () => {
  test.each([
    ['a proxy', { 'x-forwarded-for': '203.0.113.9' }],
    ['another proxy', { forwarded: 'for=203.0.113.9' }],
  ])('without authorize not what comes through %s', async (_what, headers) => {
    const url = await listening(mounted())
    for (const path of ['/', '/view.json', '/events', '/page.js'])
      expect((await fetch(`${url}${path}`, { headers })).status).toBe(403)
  })

  test('without authorize not a page of another name that leads to this machine', async () => {
    const page = mounted()
    const answered = await new Promise<number>((resolve) => {
      const request = {
        url: '/',
        method: 'GET',
        headers: { host: 'evil.example' },
        socket: { remoteAddress: '127.0.0.1' },
      }
      page(request as never, { writeHead: resolve, end: () => {} } as never)
    })
    expect(answered).toBe(403)
    expect((await page.fetch(new Request('http://localhost/'))).status).toBe(403)
  })

  test.each([
    ['says no', () => false],
    ['says no later', async () => false],
    [
      'throws',
      () => {
        throw new Error('secret')
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
    ['returns something else', () => 'yes' as unknown as boolean],
  ])('not where authorize %s', async (_what, authorize) => {
    const url = await listening(mounted({ authorize }))
    const answer = await fetch(`${url}/view.json`)
    expect(answer.status).toBe(403)
    expect(await answer.text()).not.toContain('secret')
  })
})

describe('what it tells', () => {
  test('who holds the connections when the pool has run dry, as getHealthStatus does', async () => {
    const page = mounted()
    const first = await manager.acquire({ label: 'report' })
    const second = await manager.acquire()
    const third = manager.acquire()
    const [view] = page.view().managers
    const { healthy, poolMetrics, status } = manager.getHealthStatus()
    expect(view).toMatchObject({
      health: { healthy, status },
      pool: { waiting: 1, checkedOut: 2, limit: 2 },
    })
    expect(view?.pool).toEqual(poolMetrics)
    expect(view?.verdict.level).toBe('warning')
    expect(view?.verdict.findings[0]).toContain(
      'The pool has run dry: all 2 connections are in use and 1 caller is waiting',
    )
    expect(view?.holders.map(({ label }) => label)).toEqual(['report', undefined])
    expect(view?.holders[0]?.site).toContain('dashboard.test.ts')
    first.release()
    ;(await third).release()
    second.release()
    expect(page.view().managers[0]?.verdict).toEqual({
      level: 'good',
      headline: 'All is well: callers are served',
      findings: [],
    })
  })

  test('what insights recommend', async () => {
    const watched = insights(manager)
    open.push(watched)
    const advice = { fix: 'Release it.', severity: 'critical', title: 'A leak' }
    jest.spyOn(watched, 'recommendations').mockReturnValue([{ ...advice, code: 'leak' } as never])
    const [view] = mounted({ insights: watched }).view().managers
    expect(view?.insights?.recommendations).toEqual([advice])
  })

  test('at once that writers wait, while that is too young to be unhealthy', () => {
    const health = manager.getHealthStatus()
    expect(verdictOf({ ...health, unusableForMs: 20 }, [])).toEqual({
      level: 'warning',
      headline: 'Callers are served, but look at this',
      findings: ['No server takes writes at the moment: callers who write wait.'],
    })
    const down = {
      ...health,
      healthy: false,
      status: 'unhealthy',
      reason: 'no server takes writes',
      unusableForMs: 4000,
    } as const
    expect(verdictOf(down, [])).toEqual({
      level: 'bad',
      headline: 'Callers who write cannot be served',
      findings: ['No server takes writes.'],
    })
  })

  test('no password, wherever one stands', async () => {
    const url = new URL(cluster.primary.url())
    url.password = 'gate-of-horn'
    const secret = createConnectionManager({
      databaseUrl: url.href,
      failoverUrls: [url.href.replace(/:\d+\//, ':1/')],
      logger: false,
    })
    open.push(secret)
    const page = dashboard(secret)
    open.push(page)
    const lease = await secret.acquire()
    await lease.connection.query("select 'gate-of-horn' as password").catch(() => {})
    const shown = JSON.stringify(page.view())
    lease.release()
    expect(shown).toContain(url.host)
    expect(shown).not.toContain(':gate-of-horn@')
  })

  test('all managers of the process without any, also those that are made later', async () => {
    const page = dashboard()
    open.push(page)
    const later = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      name: 'later',
      logger: false,
    })
    open.push(later)
    expect(page.view().managers.map(({ name }) => name)).toEqual(['shop', 'later'])
  })
})

test.each([
  [{ title: 5 }, 'title'],
  [{ intervalMs: 10 }, 'intervalMs'],
  [{ authorize: 'me' }, 'authorize'],
  [{ authorise: () => true }, 'authorise'],
  [{ insights: {} }, 'insights'],
])('refuses the options %j and names the one', (options, name) => {
  expect(() => dashboard(manager, options as never)).toThrow(name)
  expect(() => dashboard({} as never)).toThrow('needs a connection manager')
})
