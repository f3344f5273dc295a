import type { ConnmgrEvent } from '@connmgr/core'
import { eventually } from '@connmgr/testing'
import { describePage } from '../../test/describe-page.js'
import { listening } from '../../test/listening.js'

/** A text that would run if it stood in the page as markup. */
const MARKUP = '<img src=x onerror="window.wasRun=true"><script>window.wasRun=true</script>'

describePage('actions in a browser', `shop ${MARKUP}`, (scene) => {
  const { complaints, visit } = scene
  let events: ConnmgrEvent[]

  beforeEach(() => {
    events = []
    scene.manager.onAny((event) => events.push(event))
  })

  const button = (name: RegExp | string) => scene.page.getByRole('button', { name })
  const acted = () => events.filter(({ type }) => type === 'operatorActed')
  const closed = () => scene.manager.getHealthStatus().poolMetrics.totalConnectionsClosed

  test('there is no button without the option, or for one who may only look', async () => {
    const lease = await scene.manager.acquire({ label: 'holder' })
    await visit({})
    await scene.page.getByText('holder').first().waitFor()
    expect(await scene.page.getByRole('button').count()).toBe(0)
    await visit({ actions: true, authorize: (_request, { action }) => action === 'view' })
    await scene.page.getByText('holder').first().waitFor()
    expect(await scene.page.getByRole('button').count()).toBe(0)
    expect(complaints).toEqual([])
    lease.release()
  })

  test('recycle asks first; Escape leaves all as it was, and then it is done, and reported with who did it', async () => {
    ;(await scene.manager.acquire()).release()
    await visit({ actions: true, authorize: () => ({ name: 'ann@example.com' }) })
    const before = closed()
    await button(/^Recycle the connections/).click()
    await scene.page.getByRole('dialog').waitFor()
    await scene.page.keyboard.press('Escape')
    await scene.page.getByRole('dialog').waitFor({ state: 'detached' })
    expect([closed(), acted()]).toEqual([before, []])
    await button(/^Recycle the connections/).click()
    await button('Do it').click()
    await scene.page.getByRole('status').getByText('1 idle connection was closed').waitFor()
    expect(closed()).toBe(before + 1)
    expect(acted()).toMatchObject([{ action: 'recycle', by: 'ann@example.com' }])
    await scene.page.getByText('ann@example.com asked for recycle').waitFor()
    expect(complaints).toEqual([])
  })

  test('reclaim, by keyboard alone, frees the slot of a holder whose statement runs', async () => {
    const lease = await scene.manager.acquire({ label: `report ${MARKUP}` })
    const failed = expect(
      lease.connection.query(`select pg_sleep(600) as "${MARKUP}"`),
    ).rejects.toThrow()
    await visit({ actions: true })
    const reclaim = button(/^Reclaim connection/)
    await reclaim.waitFor()
    for (let presses = 0; presses < 40; presses += 1) {
      await scene.page.keyboard.press('Tab')
      const focused = await scene.page.evaluate('document.activeElement.getAttribute("aria-label")')
      if (String(focused).startsWith('Reclaim connection')) break
    }
    await scene.page.keyboard.press('Enter')
    const dialog = scene.page.getByRole('dialog')
    await dialog.getByText('its holder gets an error').waitFor()
    // The first that the keyboard meets is the one that does nothing.
    expect(await scene.page.evaluate('document.activeElement.textContent')).toBe('Cancel')
    await scene.page.keyboard.press('Tab')
    await scene.page.keyboard.press('Enter')
    await failed
    await scene.page.getByRole('status').getByText('its slot is free').waitFor()
    await eventually(() => scene.manager.getHealthStatus().poolMetrics.checkedOut === 0)
    await scene.page.getByText('No connection is lent.').waitFor()
    lease.release()
    expect(await scene.page.evaluate('window.wasRun')).toBeUndefined()
    expect(complaints).toEqual([])
  })

  test('a server is taken out of service and put back', async () => {
    const port = scene.cluster.standbys[0]?.port
    const stateOf = () =>
      scene.manager
        .getHealthStatus()
        .failoverStats.endpoints.find(({ id }) => id.includes(`:${port}/`))?.state
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
    await scene.page
      .locator('.outcome .bad')
      .getByText(`:${scene.cluster.standbys[0]?.port}/`)
      .waitFor()
    await button('Close').click()
    await scene.page.route('**/actions?*', (route) =>
      route.fulfill({
        status: 409,
        contentType: 'application/json',
        body: JSON.stringify({ error: MARKUP }),
      }),
    )
    await button(/^Check the health/).click()
    await scene.page.getByRole('status').getByText('<script>').waitFor()
    expect(await scene.page.evaluate('window.wasRun')).toBeUndefined()
  })

  test('a server that is gone leaves it unknown whether it was done, and says so', async () => {
    const server = await visit({ actions: true })
    await server.close()
    await button(/^Check the health/).click()
    await scene.page.getByRole('status').getByText('unknown whether it was done').waitFor()
  })

  test('a page of another origin can have nothing done, whatever it sends', async () => {
    const { url } = await visit({ actions: true })
    const evil = await listening((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>evil</title>')
    })
    const other = await scene.browser.newPage()
    await other.goto(evil.url)
    const target = `${url}/ops/db/actions?action=recycle&manager=${scene.manager.id}`
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
    await evil.close()
    expect(acted()).toEqual([])
    expect(events.filter(({ type }) => type === 'poolCleared')).toEqual([])
  })

  test.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)('buttons and the question fit in %s on %d pixels', async (colorScheme, width) => {
    const lease = await scene.manager.acquire({ label: 'holder' })
    await scene.page.emulateMedia({ colorScheme })
    await scene.page.setViewportSize({ width, height: 800 })
    await visit({ actions: true })
    await button(/^Recycle the connections/).click()
    await scene.page.getByRole('dialog').waitFor()
    const overflow = await scene.page.evaluate(
      'document.documentElement.scrollWidth - window.innerWidth',
    )
    expect(overflow).toBeLessThanOrEqual(0)
    const box = await scene.page.getByRole('dialog').boundingBox()
    expect(box?.x).toBeGreaterThanOrEqual(0)
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width)
    if (process.env.PICTURE)
      await scene.page.screenshot({ path: `${process.env.PICTURE}-${colorScheme}.png` })
    expect(complaints).toEqual([])
    lease.release()
  })
})
