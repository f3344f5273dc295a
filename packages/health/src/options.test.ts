import { close, type Harness, manage } from '../../core/test/harness.js'
import { healthHandlers } from './index.js'

let h: Harness
beforeEach(() => {
  h = manage()
})
afterEach(() => close(h))

const fails = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    expect((error as { code?: string }).code).toBe('CONNMGR_INVALID_OPTION')
    return (error as Error).message
  }
  throw new Error('it was accepted')
}

test.each([
  [
    { graceMs: -1 },
    'option "graceMs" must be a number of milliseconds from 0 to Infinity, but it is -1',
  ],
  [{ graceMs: Number.NaN }, 'but it is NaN'],
  [{ graceMs: '30s' }, 'but it is "30s"'],
  [
    { details: 'all' },
    "option \"details\" must be one of 'none', 'summary', 'full', or a function",
  ],
  [{ details: true }, 'but it is true'],
  [{ gracePeriodMs: 1 }, 'unknown option "gracePeriodMs" in the options of healthHandlers'],
  [{ graceSeconds: 5 }, 'did you mean "graceMs", in milliseconds?: graceMs: 5000'],
])('options %p are refused', (options, message) => {
  expect(fails(() => healthHandlers(h.manager, options as object))).toContain(message)
})

test.each([
  [[], 'option "managers" must be at least one manager'],
  [
    undefined,
    'option "manager" must be a ConnectionManager, or an object with one as its "manager"',
  ],
  [{ manager: {} }, 'option "manager" must be a ConnectionManager'],
  [[{ manager: 'postgres://u:secret@h/d' }], 'option "managers[0]" must be'],
])('managers %p are refused', (managers, message) => {
  const said = fails(() => healthHandlers(managers as never))
  expect(said).toContain(message)
  expect(said).not.toContain('secret')
})

test.each([
  [{ optional: 'yes' }, 'option "managers[0].optional" must be true or false, but it is "yes"'],
  [{ requires: 'all' }, "option \"managers[0].requires\" must be one of 'reads', 'writes'"],
  [{ name: '' }, 'option "managers[0].name" must be a text that is not empty'],
  [{ require: 'reads' }, 'unknown option "require" in managers[0]; did you mean "requires"?'],
])('an entry with %p is refused', (entry, message) => {
  const managers = [{ manager: h.manager, ...entry }]
  expect(fails(() => healthHandlers(managers as never))).toContain(message)
})

test('names of managers that are the same are distinguished', () => {
  const { managers } = healthHandlers([
    h.manager,
    { manager: h.manager, name: 'x' },
    h.manager,
    { manager: h.manager, name: 'x' },
    h.manager,
  ]).check()
  const name = h.manager.name
  expect(managers.map((each) => each.name)).toEqual([name, 'x', `${name}-2`, 'x-2', `${name}-3`])
})

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, '5s'])(
  'shutdown refuses a delay of %p and leaves readiness as it is',
  async (delayMs) => {
    const handlers = healthHandlers(h.manager)
    await expect(handlers.shutdown({ delayMs: delayMs as number })).rejects.toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
    })
    expect(handlers.draining).toBe(false)
  },
)
