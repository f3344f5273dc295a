import { ALERTMANAGER_INSTALL_COMMAND, findAlertmanager } from './alertmanager.js'
import { describeAlertmanager } from './describe-alertmanager.js'

jest.mock('./alertmanager.js', () => {
  const actual = jest.requireActual('./alertmanager.js')
  return { ...actual, findAlertmanager: jest.fn(actual.findAlertmanager) }
})

const VARIABLES = ['ALERTMANAGER', 'CI', 'CONNMGR_REQUIRE_ALERTMANAGER']
const before = VARIABLES.map((name) => [name, process.env[name]] as const)
const tests = (): void => {}

beforeEach(() => {
  for (const name of VARIABLES) delete process.env[name]
})
afterEach(() => {
  jest.restoreAllMocks()
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

test('an ALERTMANAGER that is no program is refused by name', () => {
  process.env.ALERTMANAGER = '/nowhere/alertmanager'
  const find = jest.requireActual<typeof import('./alertmanager.js')>('./alertmanager.js')
  expect(() => find.findAlertmanager()).toThrow('ALERTMANAGER=/nowhere/alertmanager')
})

describe('describeAlertmanager where Alertmanager is missing', () => {
  beforeEach(() => {
    jest.mocked(findAlertmanager).mockReturnValue(undefined)
  })

  test('skips the tests, and says so in their name and on stderr', () => {
    process.env.CONNMGR_REQUIRE_ALERTMANAGER = '0'
    const skip = jest.spyOn(describe, 'skip').mockImplementation()
    const stderr = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
    describeAlertmanager('a restart', tests)
    expect(skip.mock.calls).toEqual([['a restart (SKIPPED: Alertmanager is not installed)', tests]])
    expect(stderr.mock.calls[0]?.[0]).toContain(ALERTMANAGER_INSTALL_COMMAND)
  })

  test('fails the file where Alertmanager is required', () => {
    process.env.CONNMGR_REQUIRE_ALERTMANAGER = '1'
    expect(() => describeAlertmanager('a restart', tests)).toThrow(ALERTMANAGER_INSTALL_COMMAND)
  })
})
