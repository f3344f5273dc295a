import type { RequestListener } from 'node:http'
import type { ConnmgrEvent } from '@connmgr/core'
import { insights } from '@connmgr/insights'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  eventually,
  findChromium,
  type PostgresCluster,
  patient,
  startCluster,
} from '@connmgr/testing'
import { type Browser, chromium, type Page } from 'playwright-core'
import { listening } from '../../test/listening.js'
import { type DashboardOptions, dashboard } from '../index.js'

const executablePath = findChromium()
const inBrowser = executablePath === undefined ? describe.skip : describe

jest.setTimeout(patient(120_000))

/** A text that would run if it stood in the page as markup. */
const MARKUP = '<img src=x onerror="window.wasRun=true"><script>window.wasRun=true</script>'

inBrowser('actions in a browser', () => {
  let browser: Browser
  let cluster: PostgresCluster
  let manager: PgConnectionManager
  let events: ConnmgrEvent[]
  let page: Page
  let complaints: string[]
  const open: { close(): unknown }[] = []

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox'],
    })
    cluster = await startCluster({ standbys: 1 })
  })
  beforeEach(async () => {
    manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      failoverUrls: cluster.standbys.map((each) => each.url()),
      name: `shop ${MARKUP}`,
      poolSize: 2,
      maxOverflow: 0,
      logger: false,
    })
    events = []
    manager.onAny((event) => events.push(event))
    await manager.ready()
    page = await browser.newPage()
    complaints = []
    page.on('pageerror', ({ message }) => complaints.push(message))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
  })
  afterEach(async () => {
    await page.close()
    for (const each of open.splice(0).reverse()) await each.close()
    await manager.close({ drainTimeoutMs: 0 })
  })
  afterAll(async () => {
    await browser.close()
    await cluster.stop()
  })

  async function visit(options: DashboardOptions): Promise<string> {
    const watched = insights(manager)
    const mounted = dashboard(manager, { intervalMs: 250, insights: watched, ...options })
    const server = await listening(((request, response) =>
      mounted(request, response)) as RequestListener)
    open.push(watched, mounted, server)
    const answered = page.waitForResponse((response) => response.url().endsWith('/actions'))
    await page.goto(`${server.url}/ops/db/`)
    await page.getByRole('heading', { name: 'shop' }).waitFor()
    await answered
    return server.url
  }

  const button = (name: RegExp | string) => page.getByRole('button', { name })
  const acted = () => events.filter(({ type }) => type === 'operatorActed')
  const closed = () => manager.getHealthStatus().poolMetrics.totalConnectionsClosed

  test('there is no button without the option, or for one who may only look', async () => {
    const lease = await manager.acquire({ label: 'holder' })
    await visit({})
    await page.getByText('holder').first().waitFor()
    expect(await page.getByRole('button').count()).toBe(0)
    await visit({ actions: true, authorize: (_request, { action }) => action === 'view' })
    await page.getByText('holder').first().waitFor()
    expect(await page.getByRole('button').count()).toBe(0)
    expect(complaints).toEqual([])
    lease.release()
  })

  test('recycle asks first; Escape leaves all as it was, and then it is done, and told with who', async () => {
    ;(await manager.acquire()).release()
    await visit({ actions: true, authorize: () => ({ name: 'ann@example.com' }) })
    const before = closed()
    await button(/^Recycle the connections/).click()
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect([closed(), acted()]).toEqual([before, []])
    await button(/^Recycle the connections/).click()
    await button('Do it').click()
    await page.getByRole('status').getByText('1 idle connection was closed').waitFor()
    expect(closed()).toBe(before + 1)
    expect(acted()).toMatchObject([{ action: 'recycle', by: 'ann@example.com' }])
    await page.getByText('ann@example.com asked for recycle').waitFor()
    expect(complaints).toEqual([])
  })

  test('reclaim, by keyboard alone, frees the slot of a holder whose statement runs', async () => {
    const lease = await manager.acquire({ label: `report ${MARKUP}` })
    const failed = expect(
      lease.connection.query(`select pg_sleep(600) as "${MARKUP}"`),
    ).rejects.toThrow()
    await visit({ actions: true })
    const reclaim = button(/^Reclaim connection/)
    await reclaim.waitFor()
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab')
      const focused = await page.evaluate('document.activeElement.getAttribute("aria-label")')
      if (String(focused).startsWith('Reclaim connection')) break
    }
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('its holder gets an error').waitFor()
    // The first that the keyboard meets is the one that does nothing.
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Cancel')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await failed
    await page.getByRole('status').getByText('its slot is free').waitFor()
    await eventually(() => manager.getHealthStatus().poolMetrics.checkedOut === 0)
    await page.getByText('No connection is lent.').waitFor()
    lease.release()
    expect(await page.evaluate('window.wasRun')).toBeUndefined()
    expect(complaints).toEqual([])
  })

  test('a server is taken out of service and put back', async () => {
    const port = cluster.standbys[0]?.port
    const stateOf = () =>
      manager.getHealthStatus().failoverStats.endpoints.find(({ id }) => id.includes(`:${port}/`))
        ?.state
    await visit({ actions: true })
    await button(new RegExp(`^Take .*:${port}/.* out of service`)).click()
    await button('Do it').click()
    await button(new RegExp(`^Put .*:${port}/.* back into service`)).waitFor()
    expect(stateOf()).toBe('QUARANTINED')
    await button(new RegExp(`^Put .*:${port}/.* back into service`)).click()
    await button('Do it').click()
    await button(new RegExp(`^Take .*:${port}/.* out of service`)).waitFor()
    expect(stateOf()).toBe('UP')
  })

  test('what the manager refuses is shown as a failure, and errors with markup are texts', async () => {
    await visit({ actions: true })
    await button(/^Switch over to/).click()
    await button('Do it').click()
    await page.locator('.outcome .bad').getByText(`:${cluster.standbys[0]?.port}/`).waitFor()
    await button('Close').click()
    await page.route('**/actions?*', (route) =>
      route.fulfill({
        status: 409,
        contentType: 'application/json',
        body: JSON.stringify({ error: MARKUP }),
      }),
    )
    await button(/^Check the health/).click()
    await page.getByRole('status').getByText('<script>').waitFor()
    expect(await page.evaluate('window.wasRun')).toBeUndefined()
  })

  test('a server that is gone leaves it unknown whether it was done, and says so', async () => {
    await visit({ actions: true })
    await open.pop()?.close()
    await button(/^Check the health/).click()
    await page.getByRole('status').getByText('unknown whether it was done').waitFor()
  })

  test('a page of another origin can have nothing done, whatever it sends', async () => {
    const url = await visit({ actions: true })
    const evil = await listening((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>evil</title>')
    })
    open.push(evil)
    const other = await browser.newPage()
    await other.goto(evil.url)
    const target = `${url}/ops/db/actions?action=recycle&manager=${manager.id}`
    const sent = (init: string) =>
      other.evaluate(
        `fetch(${JSON.stringify(target)}, ${init}).then(() => 'answered', () => 'blocked')`,
      )
    expect(await sent(`{ method: 'POST', headers: { 'x-connmgr-dashboard': 'action' } }`)).toBe(
      'blocked',
    )
    await sent(`{ method: 'POST', mode: 'no-cors' }`)
    await Promise.all([
      other.waitForNavigation(),
      other.evaluate(`{
        const form = document.createElement('form')
        form.method = 'post'
        form.action = ${JSON.stringify(target)}
        document.body.append(form)
        form.submit()
      }`),
    ])
    expect(await other.content()).toContain('lacks the header')
    await other.close()
    expect(acted()).toEqual([])
    expect(events.filter(({ type }) => type === 'poolCleared')).toEqual([])
  })

  test.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)('buttons and the question fit in %s on %d pixels', async (colorScheme, width) => {
    const lease = await manager.acquire({ label: 'holder' })
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 800 })
    await visit({ actions: true })
    await button(/^Recycle the connections/).click()
    await page.getByRole('dialog').waitFor()
    const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
    expect(overflow).toBeLessThanOrEqual(0)
    const box = await page.getByRole('dialog').boundingBox()
    expect(box?.x).toBeGreaterThanOrEqual(0)
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width)
    if (process.env.PICTURE)
      await page.screenshot({ path: `${process.env.PICTURE}-${colorScheme}.png` })
    expect(complaints).toEqual([])
    lease.release()
  })
})
