import { InvalidOptionError } from '../errors.js'
import { resolveBoolean, resolveChoice, resolveNumbers, resolveSwitch } from './rules.js'

const RULES = {
  poolSize: { fallback: 5, min: 1, max: 10, env: 'DB_POOL_SIZE' },
  share: { fallback: 0.5, min: 0, max: 1, fraction: true },
  maxAgeMs: { fallback: 1000, min: 0, zeroIsOff: true },
}

function failureOf(work: () => unknown): InvalidOptionError {
  try {
    work()
  } catch (error) {
    if (error instanceof InvalidOptionError) return error
  }
  throw new Error('expected an InvalidOptionError')
}

describe('a number', () => {
  test('comes from the option, else from the environment, else from the default', () => {
    const resolve = (given: object, env = {}) => resolveNumbers('', given, RULES, env)
    expect(resolve({})).toEqual({ poolSize: 5, share: 0.5, maxAgeMs: 1000 })
    expect(resolve({}, { DB_POOL_SIZE: '7' }).poolSize).toBe(7)
    expect(resolve({ poolSize: 3 }, { DB_POOL_SIZE: '7' }).poolSize).toBe(3)
    expect(resolve({}, { DB_POOL_SIZE: ' ' }).poolSize).toBe(5)
    expect(resolve({ poolSize: undefined }).poolSize).toBe(5)
  })

  test('0 switches off what can be off', () => {
    expect(resolveNumbers('', { maxAgeMs: 0 }, RULES, {}).maxAgeMs).toBe(Number.POSITIVE_INFINITY)
  })

  test.each([
    [{ poolSize: -1 }, 'option "poolSize" must be a whole number from 1 to 10, but it is -1'],
    [{ poolSize: 11 }, 'option "poolSize" must be a whole number from 1 to 10, but it is 11'],
    [{ poolSize: 1.5 }, 'option "poolSize" must be a whole number from 1 to 10, but it is 1.5'],
    [{ poolSize: '5' }, 'option "poolSize" must be a whole number from 1 to 10, but it is "5"'],
    [{ poolSize: null }, 'option "poolSize" must be a whole number from 1 to 10, but it is null'],
    [{ share: Number.NaN }, 'option "share" must be a number from 0 to 1, but it is NaN'],
    [
      { maxAgeMs: Number.POSITIVE_INFINITY },
      'option "maxAgeMs" must be a whole number from 0 to 2147483647 (0 switches it off), but it is Infinity',
    ],
  ])('%j is refused', (given, message) => {
    const error = failureOf(() => resolveNumbers('', given, RULES, {}))
    expect(error).toMatchObject({
      message,
      option: Object.keys(given)[0],
      code: 'CONNMGR_INVALID_OPTION',
    })
  })

  test.each(['ten', '0', '-3', '2.5', '1e3'])(
    'DB_POOL_SIZE=%s is refused by its own name',
    (text) => {
      const error = failureOf(() => resolveNumbers('', {}, RULES, { DB_POOL_SIZE: text }))
      expect(error.option).toBe('DB_POOL_SIZE')
      expect(error.message).toContain('must be a whole number from 1 to 10')
    },
  )
})

test('a choice, a boolean and a switch say what they can be', () => {
  expect(resolveChoice('order', undefined, ['lifo', 'fifo'], 'lifo')).toBe('lifo')
  expect(failureOf(() => resolveChoice('order', 'LIFO', ['lifo', 'fifo'], 'lifo')).message).toBe(
    `option "order" must be one of 'lifo', 'fifo', but it is "LIFO"`,
  )
  expect(failureOf(() => resolveBoolean('prePing', 'yes', true)).message).toContain('true or false')
  expect(resolveSwitch('leaks', false, ['thresholdMs'])).toEqual({ enabled: false, settings: {} })
  expect(failureOf(() => resolveSwitch('leaks', 5, ['thresholdMs'])).message).toContain(
    'true, false or an object, but it is 5',
  )
  expect(failureOf(() => resolveSwitch('leaks', { threshold: 1 }, ['thresholdMs'])).message).toBe(
    'unknown option "threshold" in leaks; did you mean "thresholdMs"?',
  )
})

test('a value that may hold a secret is not shown', () => {
  const text = 'postgres://user:s3cret@host/db'
  expect(failureOf(() => resolveBoolean('prePing', text, true)).message).not.toContain('s3cret')
  expect(failureOf(() => resolveBoolean('prePing', { password: 's3cret' }, true)).message).toBe(
    'option "prePing" must be true or false, but it is an object',
  )
})
