import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { CALLS } from './calls.js'

let h: Harness
beforeEach(() => {
  h = manage()
})
afterEach(() => close(h))

type Call = (options: object) => unknown
const done = async (): Promise<string> => 'done'

/** Every method that takes options, with how it is called. */
const METHODS: Record<Exclude<keyof typeof CALLS, 'query'>, Call> = {
  acquire: (options) => h.manager.acquire(options).then((lease) => lease.release()),
  use: (options) => h.manager.use(done, options),
  transaction: (options) => h.manager.transaction(done, options),
  replay: (options) => h.manager.replay(done, options),
  replayTransaction: (options) =>
    h.manager.replayTransaction(
      (work: (tx: string) => Promise<string>) => work('tx'),
      done,
      options,
    ),
  writeToken: (options) => h.manager.writeToken(options),
  withSession: (options) => h.manager.withSession(done, options),
  resize: (options) => h.manager.resize(options),
  close: (options) => h.manager.close(options),
}

/** A value of each option that must be refused, whatever it is. */
const WRONG: Record<string, readonly unknown[]> = {
  signal: [null, 'now', {}, 5],
  timeoutMs: [-1, Number.NaN, Number.POSITIVE_INFINITY, '5', 2 ** 31],
  label: [5, {}, null],
  context: [],
  longLived: ['yes', 1, null],
  target: ['replica', 'PRIMARY', '', null, ['primary']],
  after: [5, true, null],
  replay: ['always', '', true, null],
  deadlineMs: [-1, Number.NaN, '5'],
  outcome: ['committed', null, {}],
  isolation: [
    'serializable; drop table ledger',
    'SERIALIZABLE',
    'snapshot',
    '',
    null,
    ['serializable'],
    { toUpperCase: () => 'READ COMMITTED; drop table ledger' },
  ],
  readOnly: ['true', 1, null],
  stickyReadsMs: [-1, '5'],
  poolSize: [1.5, '3', null],
  maxOverflow: [1.5, '3', null],
  drainTimeoutMs: [-1, '5', null],
}

async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

describe.each(Object.entries(METHODS))('%s', (method, call) => {
  const rules = CALLS[method as keyof typeof METHODS]

  test.each(Object.keys(rules))('refuses wrong values of %s', async (option) => {
    const wrong = WRONG[option]
    expect(wrong).toBeDefined()
    for (const value of wrong ?? []) {
      expect(await failureOf(() => call({ [option]: value }))).toMatchObject({
        code: 'CONNMGR_INVALID_OPTION',
        option,
        message: expect.stringContaining(`option "${option}" must be`),
      })
    }
    expect(h.driver.count('connect')).toBe(0)
  })

  test.each(Object.keys(rules))('takes %s for not given if it is undefined', async (option) => {
    const failure = await failureOf(() => call({ [option]: undefined }))
    expect((failure as { code?: string } | undefined)?.code).not.toBe('CONNMGR_INVALID_OPTION')
  })

  test('refuses names that it does not know, and says which is meant', async () => {
    const [option] = Object.keys(rules) as [string]
    expect(await failureOf(() => call({ [`${option}x`]: undefined }))).toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      option: `${option}x`,
      message: expect.stringContaining(`in the options of ${method}; did you mean "${option}"?`),
    })
    for (const name of ['constructor', 'toString', 'colour'])
      expect(await failureOf(() => call({ [name]: 1 }))).toMatchObject({ option: name })
  })

  test('refuses options that are none', async () => {
    for (const options of ['primary', 5, null] as unknown as object[])
      expect(await failureOf(() => call(options))).toMatchObject({
        code: 'CONNMGR_INVALID_OPTION',
        option: 'options',
      })
  })
})

test('a method that returns a promise rejects rather than throws', () => {
  for (const method of ['acquire', 'use', 'transaction', 'replay', 'writeToken', 'close'] as const)
    expect(expectLater(METHODS[method]({ colour: 1 }) as Promise<unknown>)).toBeInstanceOf(Promise)
})

test('all four levels of PostgreSQL are known', async () => {
  for (const isolation of CALLS_ISOLATION)
    expect(await h.manager.transaction(done, { isolation })).toBe('done')
})
const CALLS_ISOLATION = [
  'read uncommitted',
  'read committed',
  'repeatable read',
  'serializable',
] as const

test('arguments that are no options are checked, too', async () => {
  const { manager } = h
  const nothing = undefined as never
  const cases: [string, () => unknown][] = [
    ['work', () => manager.use(nothing)],
    ['work', () => manager.transaction(nothing)],
    ['work', () => manager.replay(nothing)],
    ['work', () => manager.replayTransaction(async () => 1, nothing)],
    ['work', () => manager.withSession(nothing)],
    ['count', () => manager.warmUp(-1)],
    ['count', () => manager.warmUp('3' as never)],
    ['to', () => manager.failover(5 as never)],
    ['endpoint', () => manager.quarantine(nothing)],
    ['reason', () => manager.quarantine('a', 5 as never)],
    ['endpoint', () => manager.unquarantine('')],
    ['reason', () => manager.clear(5 as never)],
    ['listener', () => manager.on('poolClosed', nothing)],
    ['listener', () => manager.onAny({} as never)],
  ]
  for (const [option, call] of cases)
    expect(await failureOf(call)).toMatchObject({ code: 'CONNMGR_INVALID_OPTION', option })
  expect(h.driver.count('begin')).toBe(0)
})

test('a size that is not given stays as it is', () => {
  h.manager.resize({ poolSize: 2, maxOverflow: 1 })
  h.manager.resize({ poolSize: undefined, maxOverflow: 4 } as { maxOverflow: number })
  expect(h.manager.getCounts().limit).toBe(6)
})
