import { CHROMIUM_INSTALL_COMMAND, findChromium } from '@connmgr/testing'
import { type Browser, chromium, type Page } from 'playwright-core'

/** What a browser saw of the live page. */
export interface PageResult {
  readonly url: string
  /** Undefined if the page was driven; else why it was not. */
  readonly leftOut: string | undefined
  /** Headlines of the page, each once, in the order in which they came. */
  readonly headlines: readonly string[]
  /** The page showed a leak, with its line of code. */
  readonly leakShown: boolean
  /** The page said that callers who write waited, or could not be served, and at the end that they are. */
  readonly outageShown: boolean
  /** Errors of scripts, refusals by the policy, and files that were missing. */
  readonly complaints: readonly string[]
}

/** Kept by the page itself, so that nothing that it shows for a moment is missed. */
interface Seen {
  readonly headlines: string[]
  readonly findings: string[]
  readonly events: string[]
}

/** In the page: notes each headline and finding as it appears. */
const NOTE_CHANGES = `
  window.seen = { headlines: [], findings: [], events: [] }
  const note = () => {
    for (const each of document.querySelectorAll('.verdict .headline')) {
      const text = each.textContent
      if (window.seen.headlines.at(-1) !== text) window.seen.headlines.push(text)
    }
    for (const each of document.querySelectorAll('.verdict p:not(.headline)')) {
      const text = each.textContent
      if (!window.seen.findings.includes(text)) window.seen.findings.push(text)
    }
    for (const each of document.querySelectorAll('[aria-label="What happened"] tbody tr')) {
      const text = each.textContent
      if (!window.seen.events.includes(text)) window.seen.events.push(text)
    }
  }
  note()
  new MutationObserver(note).observe(document.getElementById('page'), { subtree: true, childList: true, characterData: true })
`

/** Watches the live page in a browser without a window, as a person would. */
export class PageWatch {
  readonly #url: string
  readonly #browser: Browser | undefined
  readonly #page: Page | undefined
  #picture: string | undefined
  readonly #complaints: string[] = []

  private constructor(url: string, browser?: Browser, page?: Page) {
    this.#url = url
    this.#browser = browser
    this.#page = page
    page?.on('pageerror', ({ message }) => this.#complaints.push(message))
    page?.on('console', (message) => {
      if (message.type() === 'error') this.#complaints.push(message.text())
    })
  }

  /**
   * Opens the page, and follows what it says from then on. Without a browser it says so in its result.
   *
   * @param picture a file for a picture of the page at the end
   */
  static async begin(url: string, picture?: string): Promise<PageWatch> {
    const executablePath = findChromium()
    if (executablePath === undefined) return new PageWatch(url)
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    const page = await browser.newPage({ viewport: { width: 1100, height: 1500 } })
    const watch = new PageWatch(url, browser, page)
    watch.#picture = picture
    await page.goto(url)
    await page.locator('.verdict .headline').first().waitFor()
    await page.evaluate(NOTE_CHANGES)
    return watch
  }

  async end(): Promise<PageResult> {
    const seen = ((await this.#page?.evaluate('window.seen')) as Seen | undefined) ?? {
      headlines: [],
      findings: [],
      events: [],
    }
    if (this.#picture !== undefined) await this.#page?.screenshot({ path: this.#picture })
    await this.#browser?.close()
    const { events, findings, headlines } = seen
    return {
      url: this.#url,
      leftOut:
        this.#page === undefined
          ? `there is no browser here: ${CHROMIUM_INSTALL_COMMAND}`
          : undefined,
      headlines,
      // Its connection is given back at once, so it may be over before the next picture of the holders.
      leakShown: [...findings, ...events].some((each) => /leak.*proof\/demo.*:\d+/.test(each)),
      outageShown:
        [...headlines, ...findings].some((each) => /cannot be served|takes writes/.test(each)) &&
        /[Cc]allers are served/.test(headlines.at(-1) ?? ''),
      complaints: this.#complaints,
    }
  }
}
