/// <reference types="jest" />
import type { Driver, Endpoint, FailureKind } from '@connmgr/core'
import {
  type DriverHarness,
  eventually,
  type Opened,
  type OptionalMethod,
  rejection,
} from './harness.js'

const KINDS: readonly FailureKind[] = [
  'lost',
  'unreachable',
  'starting',
  'busy',
  'setup',
  'shutdown',
  'read-only',
  'serialization',
  'statement',
]

/**
 * Tests that a driver keeps its contract. Every driver package calls this with a real database.
 *
 * @param setup called once; its `close` is called at the end
 * @param options.without optional methods that this driver does not have
 *
 * @example
 * describeDriver('postgresql', () => startPostgresHarness())
 */
export function describeDriver<C extends object>(
  name: string,
  setup: () => Promise<DriverHarness<C>>,
  options: { readonly without?: readonly OptionalMethod[] } = {},
): void {
  const without = options.without ?? []
  const has = (...methods: OptionalMethod[]) => methods.every((method) => !without.includes(method))

  describe(`driver conformance: ${name}`, () => {
    let harness: DriverHarness<C>
    let driver: Driver<C>
    const opened: C[] = []

    beforeAll(async () => {
      harness = await setup()
      driver = harness.driver
    })
    afterEach(async () => {
      for (const connection of opened.splice(0)) driver.destroy(connection)
      // The next test counts sessions and rows of its own.
      await eventually(async () => (await harness.countSessions()) === 0)
    })
    afterAll(() => harness?.close())

    async function open(endpoint: Endpoint = harness.endpoint): Promise<Opened<C>> {
      const signals: Opened<C>['signals'] = []
      const connection = await driver.connect(endpoint, {
        signal: new AbortController().signal,
        onSignal: (signal) => signals.push(signal),
      })
      opened.push(connection)
      return { connection, signals }
    }

    function kindOf(promise: Promise<unknown>): Promise<FailureKind> {
      return rejection(promise).then((error) => driver.classify(error))
    }

    if (without.length > 0) {
      test(`has no ${without.join(', ')}`, () => {
        for (const method of without) expect(driver[method]).toBeUndefined()
      })
    }

    describe('connect', () => {
      test('gives a connection that works and is clean', async () => {
        const { connection, signals } = await open()
        expect(driver.inspect(connection)).toBe('clean')
        await driver.validate(connection)
        expect(driver.inspect(connection)).toBe('clean')
        expect(await harness.countSessions()).toBe(1)
        expect(signals).toEqual([])
      })

      test('a refused connection is unreachable', async () => {
        expect(await kindOf(open(harness.refused))).toBe('unreachable')
      })

      test('rejected credentials are a matter of setup', async () => {
        expect(await kindOf(open(harness.denied))).toBe('setup')
      })

      test('an aborted attempt rejects and closes its socket', async () => {
        const abort = new AbortController()
        const { endpoint, connections } = harness.silent
        const connecting = rejection(
          driver.connect(endpoint, { signal: abort.signal, onSignal: () => {} }),
        )
        await eventually(() => connections() === 1)
        abort.abort(new Error('deadline'))
        await connecting
        await eventually(() => connections() === 0)
      })

      test('an attempt that is aborted from the outset rejects and opens nothing', async () => {
        const signal = AbortSignal.abort(new Error('closed'))
        await rejection(driver.connect(harness.endpoint, { signal, onSignal: () => {} }))
        expect(await harness.countSessions()).toBe(0)
      })
    })

    describe('inspect', () => {
      test('a connection is clean after a statement, and after one that failed', async () => {
        const { connection } = await open()
        await harness.query(connection, harness.statements.read)
        expect(driver.inspect(connection)).toBe('clean')
        expect(await kindOf(harness.query(connection, harness.statements.wrong))).toBe('statement')
        expect(driver.inspect(connection)).toBe('clean')
        await driver.validate(connection)
      })

      test('a connection is busy while a statement runs', async () => {
        const { connection } = await open()
        const slow = harness.query(connection, harness.statements.slow)
        expect(driver.inspect(connection)).toBe('busy')
        await slow
        expect(driver.inspect(connection)).toBe('clean')
      })

      if (has('settle')) {
        test('settle resolves when the statement has ended, and at once if there is none', async () => {
          const { connection } = await open()
          const slow = harness.query(connection, harness.statements.slow)
          await driver.settle?.(connection)
          expect(driver.inspect(connection)).toBe('clean')
          await slow
          await driver.settle?.(connection)
        })

        test('settle resolves when the statement has failed', async () => {
          const { connection } = await open()
          const failing = rejection(harness.query(connection, harness.statements.wrong))
          await driver.settle?.(connection)
          expect(driver.inspect(connection)).toBe('clean')
          await failing
        })
      }
    })

    if (has('begin', 'commit', 'rollback')) {
      describe('transactions', () => {
        test('begin opens one, and commit keeps what was written', async () => {
          const { connection } = await open()
          const before = await harness.countRows()
          await driver.begin?.(connection, {})
          expect(driver.inspect(connection)).toBe('transaction')
          await harness.query(connection, harness.statements.insert)
          expect(await harness.countRows()).toBe(before)
          await driver.commit?.(connection)
          expect(driver.inspect(connection)).toBe('clean')
          expect(await harness.countRows()).toBe(before + 1)
        })

        test('rollback undoes what was written', async () => {
          const { connection } = await open()
          const before = await harness.countRows()
          await driver.begin?.(connection, { isolation: 'serializable' })
          await harness.query(connection, harness.statements.insert)
          await driver.rollback?.(connection)
          expect(driver.inspect(connection)).toBe('clean')
          expect(await harness.countRows()).toBe(before)
        })

        test('a failed statement leaves the transaction open until the rollback', async () => {
          const { connection } = await open()
          await driver.begin?.(connection, {})
          await rejection(harness.query(connection, harness.statements.wrong))
          expect(driver.inspect(connection)).toBe('transaction')
          await driver.rollback?.(connection)
          expect(driver.inspect(connection)).toBe('clean')
          await harness.query(connection, harness.statements.read)
        })

        test('a read-only transaction refuses writes with a failure of the kind read-only', async () => {
          const { connection } = await open()
          const before = await harness.countRows()
          await driver.begin?.(connection, { readOnly: true })
          expect(await kindOf(harness.query(connection, harness.statements.insert))).toBe(
            'read-only',
          )
          await driver.rollback?.(connection)
          expect(await harness.countRows()).toBe(before)
          await driver.begin?.(connection, {})
          await harness.query(connection, harness.statements.insert)
          await driver.commit?.(connection)
          expect(await harness.countRows()).toBe(before + 1)
        })
      })
    }

    if (has('reset')) {
      test.each(['reset-all', 'discard-all'] as const)(
        'reset with %s undoes the settings of the session',
        async (policy) => {
          const { connection } = await open()
          await harness.query(connection, harness.statements.set)
          expect(await harness.hasSetting(connection)).toBe(true)
          await driver.reset?.(connection, policy)
          expect(await harness.hasSetting(connection)).toBe(false)
          expect(driver.inspect(connection)).toBe('clean')
        },
      )
    }

    if (has('activity')) {
      describe('activity', () => {
        test('is one object that keeps up with the statements', async () => {
          const { connection } = await open()
          const activity = driver.activity?.(connection)
          const before = activity?.queryCount ?? Number.NaN
          await harness.query(connection, harness.statements.read)
          await harness.query(connection, harness.statements.readValue, ['a secret value'])
          expect(driver.activity?.(connection)).toBe(activity)
          expect(activity?.queryCount).toBe(before + 2)
          expect(activity?.lastQuery).toBe(harness.statements.readValue)
        })

        test('shows a statement as soon as it is sent, and when it fails', async () => {
          const { connection } = await open()
          const failing = rejection(harness.query(connection, harness.statements.wrong))
          expect(driver.activity?.(connection).lastQuery).toBe(harness.statements.wrong)
          await failing
          expect(driver.activity?.(connection).lastQuery).toBe(harness.statements.wrong)
        })
      })
    }

    if (has('role')) {
      test('a connection to the primary knows its role after validate', async () => {
        const { connection } = await open()
        await driver.validate(connection)
        expect(driver.role?.(connection)).toBe('primary')
      })
    }

    describe('close and destroy', () => {
      test('close ends the session, and the connection is broken then', async () => {
        const { connection, signals } = await open()
        await driver.close(connection)
        await eventually(async () => (await harness.countSessions()) === 0)
        expect(driver.inspect(connection)).toBe('broken')
        expect(signals).toEqual([])
      })

      test('destroy ends the session at once, as often as it is called', async () => {
        const { connection, signals } = await open()
        driver.destroy(connection)
        driver.destroy(connection)
        expect(driver.inspect(connection)).toBe('broken')
        await eventually(async () => (await harness.countSessions()) === 0)
        driver.destroy(connection)
        expect(signals).toEqual([])
      })

      test('destroy of a busy connection fails its statement as lost and ends it on the server', async () => {
        const { connection } = await open()
        const endless = kindOf(harness.query(connection, harness.statements.endless))
        driver.destroy(connection)
        expect(await endless).toBe('lost')
        await eventually(async () => (await harness.countSessions()) === 0)
      })

      test('nothing throws on a connection that has been closed', async () => {
        const { connection } = await open()
        await driver.close(connection)
        driver.destroy(connection)
        await driver.close(connection)
        await rejection(driver.validate(connection))
      })
    })

    describe('a connection that is cut', () => {
      test('signals lost without being asked, and is broken', async () => {
        const { connection, signals } = await open()
        await harness.cut(connection)
        await eventually(() => signals.length > 0)
        expect(signals[0]?.kind).toBe('lost')
        expect(signals[0]?.error).toBeInstanceOf(Error)
        expect(driver.inspect(connection)).toBe('broken')
        await rejection(driver.validate(connection))
      })

      test('fails the statement under way as lost', async () => {
        const { connection, signals } = await open()
        const endless = kindOf(harness.query(connection, harness.statements.endless))
        await harness.cut(connection)
        expect(await endless).toBe('lost')
        await eventually(() => signals.length > 0)
        // The server may not notice while the statement runs; destroying has to see to that.
        driver.destroy(connection)
      })

      test('can be closed and destroyed', async () => {
        const { connection, signals } = await open()
        await harness.cut(connection)
        await eventually(() => signals.length > 0)
        await driver.close(connection).catch((error: unknown) => {
          expect(error).toBeInstanceOf(Error)
        })
        driver.destroy(connection)
      })
    })

    test('classify has an answer to anything', () => {
      for (const odd of [undefined, null, 'text', 7, {}, new Error('odd'), { code: 42 }]) {
        expect(KINDS).toContain(driver.classify(odd))
      }
    })

    if (has('openProbe')) {
      describe('openProbe', () => {
        const quiet = () => ({ signal: new AbortController().signal, onSignal: () => {} })
        const openProbe = (endpoint: Endpoint, context = quiet()) => {
          if (driver.openProbe === undefined) throw new Error('the driver has no openProbe')
          return driver.openProbe(endpoint, context)
        }

        test('answers again and again who the server is', async () => {
          const probe = await openProbe(harness.endpoint)
          try {
            const first = await probe.check(new AbortController().signal)
            expect(first).toMatchObject({ role: 'primary', writable: true })
            const second = await probe.check(new AbortController().signal)
            expect(second.systemId).toBe(first.systemId)
            expect(second.startedAt).toBe(first.startedAt)
          } finally {
            probe.destroy()
          }
        })

        test('destroy can be called twice, and then nothing is answered', async () => {
          const probe = await openProbe(harness.endpoint)
          probe.destroy()
          probe.destroy()
          await rejection(probe.check(new AbortController().signal))
        })

        test('a refused probe is unreachable', async () => {
          expect(await kindOf(openProbe(harness.refused))).toBe('unreachable')
        })

        test('an aborted attempt to open one rejects and closes its socket', async () => {
          const abort = new AbortController()
          const { endpoint, connections } = harness.silent
          const opening = rejection(openProbe(endpoint, { ...quiet(), signal: abort.signal }))
          await eventually(() => connections() === 1)
          abort.abort(new Error('deadline'))
          await opening
          await eventually(() => connections() === 0)
        })

        test('an aborted check rejects', async () => {
          const probe = await openProbe(harness.endpoint)
          try {
            await rejection(probe.check(AbortSignal.abort(new Error('deadline'))))
          } finally {
            probe.destroy()
          }
        })
      })
    }
  })
}
