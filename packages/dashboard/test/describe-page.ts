import type { RequestListener } from 'node:http'
import { insights } from '@connmgr/insights'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import {
  CHROMIUM_INSTALL_COMMAND,
  findChromium,
  type PostgresCluster,
  patient,
  startCluster,
} from '@connmgr/testing'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type DashboardOptions, dashboard } from '../src/index.js'
import { type Listening, listening } from './listening.js'

/** What a test of the page has: a manager of two servers, and a browser. */
export interface PageScene {
  readonly cluster: PostgresCluster
  readonly manager: PgConnectionManager
  readonly browser: Browser
  readonly page: Page
  /** What the browser complains about: errors of scripts, refusals by the policy, files that are missing. */
  readonly complaints: readonly string[]
  /** Serves the dashboard and opens it. It is closed with the test. */
  visit(options?: DashboardOptions): Promise<Listening>
}

/**
 * Tests of the page in a browser; skipped, with a warning, where there is none.
 *
 * @param managerName contains "shop"
 */
export function describePage(
  name: string,
  managerName: string,
  tests: (scene: PageScene) => void,
): void {
  const executablePath = findChromium()
  if (executablePath === undefined)
    console.warn(`SKIPPED: ${name}, as there is no browser: ${CHROMIUM_INSTALL_COMMAND}`)
  const describeIfPossible = executablePath === undefined ? describe.skip : describe
  jest.setTimeout(patient(120_000))
  describeIfPossible(name, () => tests(setUp(executablePath as string, managerName)))
}

function setUp(executablePath: string, managerName: string): PageScene {
  let browser: Browser
  let cluster: PostgresCluster
  let manager: PgConnectionManager
  let page: Page
  const complaints: string[] = []
  const opened: { close(): unknown }[] = []

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    cluster = await startCluster({ standbys: 1 })
  })
  beforeEach(async () => {
    manager = createConnectionManager({
      databaseUrl: cluster.primary.url(),
      failoverUrls: cluster.standbys.map((each) => each.url()),
      name: managerName,
      poolSize: 2,
      maxOverflow: 0,
      logger: false,
    })
    await manager.ready()
    page = await browser.newPage()
    complaints.length = 0
    page.on('pageerror', ({ message }) => complaints.push(message))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
  })
  afterEach(async () => {
    await page.close()
    for (const each of opened.splice(0).reverse()) await each.close()
    await manager.close({ drainTimeoutMs: 0 })
  })
  afterAll(async () => {
    await browser.close()
    await cluster.stop()
  })

  return {
    get cluster() {
      return cluster
    },
    get browser() {
      return browser
    },
    get manager() {
      return manager
    },
    get page() {
      return page
    },
    complaints,
    async visit(options = {}) {
      const watched = insights(manager)
      const mounted = dashboard(manager, { intervalMs: 250, insights: watched, ...options })
      const handler: RequestListener = (request, response) => mounted(request, response)
      const server = await listening(handler)
      opened.push(watched, mounted, server)
      const answered = page.waitForResponse((response) => response.url().endsWith('/actions'))
      await page.goto(`${server.url}/ops/db/`)
      await page.getByRole('heading', { name: 'shop' }).waitFor()
      await answered
      return server
    },
  }
}
