import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { insights } from '@connmgr/insights'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  CHROMIUM_INSTALL_COMMAND,
  eventually,
  findChromium,
  type PostgresCluster,
  patient,
  startCluster,
} from '@connmgr/testing'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { type Dashboard, dashboard } from './index.js'

const executablePath = findChromium()
const inBrowser = executablePath === undefined ? describe.skip : describe
if (executablePath === undefined)
  console.warn(
    `SKIPPED: the page was not tried in a browser, as there is none: ${CHROMIUM_INSTALL_COMMAND}`,
  )

jest.setTimeout(patient(120_000))

inBrowser('the page in a browser', () => {
  let browser: Browser
  let cluster: PostgresCluster
  let manager: PgConnectionManager
  let mounted: Dashboard
  let server: Server
  let page: Page
  /** What the browser complains about: errors of scripts, refusals by the policy, files that are missing. */
  let complaints: string[]

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
      name: 'shop',
      poolSize: 2,
      maxOverflow: 0,
      logger: false,
    })
    await manager.ready()
    mounted = dashboard(manager, { insights: insights(manager), intervalMs: 250 })
    server = createServer((request, response) => mounted(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    page = await browser.newPage()
    complaints = []
    page.on('pageerror', ({ message }) => complaints.push(message))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/db/`)
    await page.getByRole('heading', { name: 'shop' }).waitFor()
  })
  afterEach(async () => {
    await page.close()
    mounted.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await manager.close({ drainTimeoutMs: 0 })
  })
  afterAll(async () => {
    await browser.close()
    await cluster.stop()
  })

  const headline = () => shownText(page.locator('.verdict .headline'))
  const region = (name: string) => shownText(page.getByRole('region', { name }))

  test('says what getHealthStatus says, and shows who holds connections and who waits', async () => {
    expect(await headline()).toContain('All is well')
    const holders = [await manager.acquire({ label: 'nightly report' }), await manager.acquire()]
    const waiting = manager.acquire()
    await page.getByText('The pool has run dry').waitFor()
    const shown = await region('Who holds connections')
    expect(shown).toContain('nightly report')
    expect(shown).toContain('browser.test.ts')
    for (const each of holders) each.release()
    ;(await waiting).release()
    await page.getByText('All is well').waitFor()
    expect(complaints).toEqual([])
  })

  test('names the statement and the line of code that ran it', async () => {
    for (let n = 0; n < 3; n += 1) await manager.pool.query(`select ${n} as answer`)
    await page.getByText('select ? as answer').waitFor()
    const shown = await region('Statements by time')
    expect(shown).toContain('browser.test.ts')
    expect(shown).not.toContain('select 1 as answer')
    expect(complaints).toEqual([])
  })

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
  ] as const)(
    'is readable in %s on %d pixels, without anything that leaves the screen',
    async (colorScheme, width) => {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 900 })
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - window.innerWidth',
      )
      expect(overflow).toBeLessThanOrEqual(0)
      const [ink, paper] = (await page.evaluate(
        '[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]',
      )) as [string, string]
      expect(contrast(ink, paper)).toBeGreaterThan(7)
      expect((await page.screenshot()).length).toBeGreaterThan(5000)
      expect(complaints).toEqual([])
    },
  )

  test('every part that scrolls or opens can be reached by keyboard', async () => {
    const reached = new Set<string>()
    for (let presses = 0; presses < 12; presses += 1) {
      await page.keyboard.press('Tab')
      reached.add(
        String(
          await page.evaluate(
            'document.activeElement.getAttribute("aria-label") ?? document.activeElement.tagName',
          ),
        ),
      )
    }
    expect(reached).toContain('Servers')
    expect(reached).toContain('SUMMARY')
  })

  test('tells a failover as it happens, and says that it is over when callers are served again', async () => {
    const { primary, standbys } = cluster
    const [standby] = standbys
    if (standby === undefined) throw new Error('the cluster has no standby')
    await primary.crash()
    await eventually(() => !manager.getHealthStatus().healthy)
    await page.locator('article[data-status="unhealthy"]').waitFor()
    expect(await headline()).toContain('Callers who write cannot be served')
    await standby.promote()
    await eventually(() => manager.getHealthStatus().healthy)
    const { status } = manager.getHealthStatus()
    await page.locator(`article[data-status="${status}"]`).waitFor()
    expect(await headline()).toContain('Callers are served')
    const servers = await region('Servers')
    expect(servers).toMatch(
      new RegExp(`127.0.0.1:${standby.port}/postgres\\s+primary, takes writes`),
    )
    expect(await region('What happened')).toMatch(/failover/i)
  })

  test('says that what it shows is old when its server is gone', async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await page.getByText('the server cannot be reached').waitFor()
  })
})

/** As people see it, cells apart by tabs. */
function shownText(element: Locator): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: what is hidden must not count
  return element.innerText()
}

/** As the guidelines for accessible pages define it, of `rgb(…)` colours. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => {
      const share = Number(part) / 255
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}
