import fc from 'fast-check'
import { InvalidOptionError } from '../errors.js'
import { distance, nearestName } from './nearest.js'
import { MANAGER_OPTION_NAMES } from './resolve.js'
import {
  rejectForeignOptions,
  rejectMisspeltOptions,
  rejectUnknownOptions,
} from './unknown-options.js'

function failureOf(work: () => unknown): InvalidOptionError {
  try {
    work()
  } catch (error) {
    if (error instanceof InvalidOptionError) return error
  }
  throw new Error('expected an InvalidOptionError')
}

const refusalOf = (options: object) =>
  failureOf(() => {
    rejectForeignOptions(options, MANAGER_OPTION_NAMES, 'here')
    rejectUnknownOptions(options, MANAGER_OPTION_NAMES, 'here')
  }).message

test('an unknown option is named, with the one that was probably meant', () => {
  const known = ['poolSize', 'maxOverflow']
  expect(failureOf(() => rejectUnknownOptions({ poolsize: 1 }, known, 'here')).message).toBe(
    'unknown option "poolsize" in here; did you mean "poolSize"?',
  )
  expect(failureOf(() => rejectUnknownOptions({ colour: 1 }, known, 'here')).message).toBe(
    'unknown option "colour" in here; known are poolSize, maxOverflow',
  )
})

test('where unknown options are let through, those nearly right are not', () => {
  const reject = (options: object) =>
    rejectMisspeltOptions(options, ['poolSize', 'host'], 'here', 'rename it')
  reject({ poolSize: 1, host: 'a', somethingElse: true, most: 1, max: 2 })
  expect(failureOf(() => reject({ pool_size: 1 })).message).toBe(
    'unknown option "pool_size" in here; did you mean "poolSize"? If not, rename it',
  )
})

describe('a suggestion', () => {
  test.each([
    ['poolSzie', 'poolSize'],
    ['pool_size', 'poolSize'],
    ['POOL-SIZE', 'poolSize'],
    ['maxOverflows', 'maxOverflow'],
    ['acquireTimeout', 'acquireTimeoutMs'],
    ['acquireTimeoutMillis', 'acquireTimeoutMs'],
    ['idleTimoutMs', 'idleTimeoutMs'],
    ['leakDetecton', 'leakDetection'],
    ['healthMonitor', undefined],
    ['healthMonitorin', 'healthMonitoring'],
    ['max', undefined],
    ['min', undefined],
    ['ssl', undefined],
    ['retries', undefined],
    ['rest', undefined],
    ['rset', undefined],
    ['prefix', undefined],
    ['poolSizeMs', undefined],
  ])('for %s is %s', (name, expected) => {
    expect(nearestName(name, MANAGER_OPTION_NAMES)?.name).toBe(expected)
  })

  test('is never far from what was written, and none is made of words at random', () => {
    const plain = (name: string): string => name.toLowerCase().replace(/[-_. ]/g, '')
    const stem = (name: string): string =>
      plain(name).replace(/(?:milliseconds?|millis|msecs?|ms|seconds?|secs?|minutes?|mins?)$/, '')
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 30 }), (name) => {
        const near = nearestName(name, MANAGER_OPTION_NAMES)
        if (near === undefined) return
        const slips = Math.min(
          distance(plain(name), plain(near.name)),
          distance(stem(name), stem(near.name)),
        )
        expect(slips).toBeLessThanOrEqual(Math.min(name.length, near.name.length) / 5)
      }),
    )
  })

  test('finds the name again after one slip', () => {
    const long = MANAGER_OPTION_NAMES.filter((name) => name.length >= 8)
    fc.assert(
      fc.property(fc.constantFrom(...long), fc.nat(), fc.nat(3), (name, seed, kind) => {
        const at = seed % (name.length - 2)
        const slips = [
          name.slice(0, at) + name.slice(at + 1),
          `${name.slice(0, at)}q${name.slice(at)}`,
          `${name.slice(0, at)}q${name.slice(at + 1)}`,
          name.slice(0, at) + name[at + 1] + name[at] + name.slice(at + 2),
        ]
        const slip = slips[kind] as string
        const near = nearestName(slip, MANAGER_OPTION_NAMES)?.name
        const rivals = MANAGER_OPTION_NAMES.filter(
          (each) => distance(slip.toLowerCase(), each.toLowerCase()) <= 2,
        )
        expect([name, ...rivals]).toContain(near)
      }),
    )
  })
})

describe('an option of another pool', () => {
  test.each<[object, RegExp]>([
    [{ max: 20 }, /here it is "poolSize": poolSize: 20; .*maxOverflow: 0/],
    [{ min: 2 }, /here it is "minIdle": minIdle: 2$/],
    [
      { connectionTimeoutMillis: 2000 },
      /"acquireTimeoutMs", in milliseconds: acquireTimeoutMs: 2000/,
    ],
    [{ idleTimeoutMillis: 5000 }, /"idleTimeoutMs", in milliseconds: idleTimeoutMs: 5000/],
    [{ acquireTimeoutMillis: 5000 }, /acquireTimeoutMs: 5000/],
    [{ acquireConnectionTimeout: 60000 }, /acquireTimeoutMs: 60000/],
    [{ maxLifetimeSeconds: 60 }, /"maxLifetimeMs", in milliseconds: maxLifetimeMs: 60000/],
    [{ max_lifetime: 60 }, /maxLifetimeMs: 60000/],
    [{ idle_timeout: 20 }, /idleTimeoutMs: 20000/],
    [{ connect_timeout: 10 }, /connectTimeoutMs: 10000/],
    [{ pool_timeout: 10 }, /acquireTimeoutMs: 10000/],
    [
      { idleTimeoutSeconds: 20 },
      /did you mean "idleTimeoutMs", in milliseconds\?: idleTimeoutMs: 20000/,
    ],
    [{ connectionLimit: 5 }, /poolSize: 5/],
    [{ connection_limit: 5 }, /poolSize: 5/],
    [{ maxConnections: 5 }, /poolSize: 5/],
    [{ pool_size: 5 }, /did you mean "poolSize"/],
    [{ queueLimit: 5 }, /maxWaiters: 5/],
    [
      { pool: { min: 2, max: 10, colour: 'red' } },
      /"min": .*minIdle: 2; "max": .*poolSize: 10; .*"colour" is unknown/,
    ],
    [{ reapIntervalMillis: 1000 }, /leave it out/],
    [{ max: 's3cr3t' }, /^(?!.*s3cr3t)/],
  ])('%j is refused with the name it has here', (options, message) => {
    expect(refusalOf(options)).toMatch(message)
  })
})
