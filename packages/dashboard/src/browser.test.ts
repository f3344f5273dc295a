import { eventually } from '@connmgr/testing'
import type { Locator } from 'playwright-core'
import { describePage } from '../test/describe-page.js'
import type { Listening } from '../test/listening.js'

describePage('the page in a browser', 'shop', (scene) => {
  const { complaints, visit } = scene
  let server: Listening

  beforeEach(async () => {
    server = await visit()
  })

  const headline = () => shownText(scene.page.locator('.verdict .headline'))
  const region = (name: string) => shownText(scene.page.getByRole('region', { name }))

  test('says what getHealthStatus says, and shows who holds connections and who waits', async () => {
    expect(await headline()).toContain('All is well')
    const holders = [
      await scene.manager.acquire({ label: 'nightly report' }),
      await scene.manager.acquire(),
    ]
    const waiting = scene.manager.acquire()
    await scene.page.getByText('The pool has run dry').waitFor()
    const shown = await region('Who holds connections')
    expect(shown).toContain('nightly report')
    expect(shown).toContain('browser.test.ts')
    for (const each of holders) each.release()
    ;(await waiting).release()
    await scene.page.getByText('All is well').waitFor()
    expect(complaints).toEqual([])
  })

  test('names the statement and the line of code that ran it', async () => {
    for (let n = 0; n < 3; n += 1) await scene.manager.pool.query(`select ${n} as answer`)
    await scene.page.getByText('select ? as answer').waitFor()
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
      await scene.page.emulateMedia({ colorScheme })
      await scene.page.setViewportSize({ width, height: 900 })
      const overflow = await scene.page.evaluate(
        'document.documentElement.scrollWidth - window.innerWidth',
      )
      expect(overflow).toBeLessThanOrEqual(0)
      const [ink, paper] = (await scene.page.evaluate(
        '[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]',
      )) as [string, string]
      expect(contrast(ink, paper)).toBeGreaterThan(7)
      expect((await scene.page.screenshot()).length).toBeGreaterThan(5000)
      expect(complaints).toEqual([])
    },
  )

  test('a chart that is still drawn for a wider window makes nothing leave the screen', async () => {
    await scene.page.setViewportSize({ width: 360, height: 900 })
    const overflow = await scene.page.evaluate(`(() => {
      document.querySelector('.chart .uplot').style.width = '1248px'
      return document.documentElement.scrollWidth - window.innerWidth
    })()`)
    expect(overflow).toBeLessThanOrEqual(0)
  })

  test('every part that scrolls or opens can be reached by keyboard', async () => {
    const reached = new Set<string>()
    for (let presses = 0; presses < 12; presses += 1) {
      await scene.page.keyboard.press('Tab')
      reached.add(
        String(
          await scene.page.evaluate(
            'document.activeElement.getAttribute("aria-label") ?? document.activeElement.tagName',
          ),
        ),
      )
    }
    expect(reached).toContain('Servers')
    expect(reached).toContain('SUMMARY')
  })

  test('shows a failover as it happens, and says that it is over when callers are served again', async () => {
    const { primary, standbys } = scene.cluster
    const [standby] = standbys
    if (standby === undefined) throw new Error('the cluster has no standby')
    await primary.crash()
    await eventually(() => !scene.manager.getHealthStatus().healthy)
    await scene.page.locator('article[data-status="unhealthy"]').waitFor()
    expect(await headline()).toContain('Callers who write cannot be served')
    await standby.promote()
    await eventually(() => scene.manager.getHealthStatus().healthy)
    const { status } = scene.manager.getHealthStatus()
    await scene.page.locator(`article[data-status="${status}"]`).waitFor()
    expect(await headline()).toContain('Callers are served')
    const servers = await region('Servers')
    expect(servers).toMatch(
      new RegExp(`127.0.0.1:${standby.port}/postgres\\s+primary, takes writes`),
    )
    expect(await region('What happened')).toMatch(/failover/i)
  })

  test('says that what it shows is old when its server is gone', async () => {
    await server.close()
    await scene.page.getByText('the server cannot be reached').waitFor()
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
