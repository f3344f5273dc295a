import { conflict, failing, refused } from '../../test/failing-work.js'
import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { currentEffects } from '../flow/effects.js'
import {
  CommitOutcomeUnknownError,
  ConnectionDestroyedError,
  ConnectionLostError,
  QueryTimeoutError,
} from '../statement-errors.js'

let h: Harness
afterEach(() => close(h))

describe('what was ended on purpose is not run again', () => {
  test.each(['safe', 'idempotent'] as const)(
    'a statement of a transaction that took too long, %s',
    async (replay) => {
      h = manage({ queryTimeoutMs: 100 })
      h.driver.always('query', 'hang')
      let attempts = 0
      const running = expectLater(
        h.manager.transaction(
          (connection) => {
            attempts += 1
            return connection.query('insert')
          },
          { replay },
        ),
      )
      await h.clock.advance(1000)
      await expect(running).rejects.toMatchObject({
        code: 'CONNMGR_CONNECTION_LOST',
        cause: { cause: { code: 'CONNMGR_QUERY_TIMEOUT' } },
      })
      expect(attempts).toBe(1)
      expect(h.of('workReplayed')).toEqual([])
    },
  )

  test('a lease that was destroyed, by the work or beside it', async () => {
    h = manage()
    h.driver.always('query', 'hang')
    let attempts = 0
    const running = expectLater(
      h.manager.transaction(
        (connection, lease) => {
          attempts += 1
          const querying = connection.query('insert')
          lease.destroy(new ConnectionDestroyedError('enough'))
          return querying
        },
        { replay: 'safe' },
      ),
    )
    await h.clock.advance(1000)
    await expect(running).rejects.toMatchObject({
      cause: { cause: { code: 'CONNMGR_CONNECTION_DESTROYED' } },
    })
    expect(attempts).toBe(1)
  })

  test('work whose error says nothing of it, as a library puts it', async () => {
    h = manage()
    let attempts = 0
    await expect(
      h.manager.replay(async () => {
        attempts += 1
        currentEffects()?.noteDeliberateEnd()
        throw Object.assign(new Error('mapped'), { code: 'CONNMGR_CONNECTION_LOST' })
      }),
    ).rejects.toThrow('mapped')
    expect(attempts).toBe(1)
  })

  test('work of a manager that closes', async () => {
    h = manage()
    const { attempts, work } = failing(refused(), refused())
    const running = expectLater(
      h.manager.replay((attempt) => {
        void h.manager.close()
        return work(attempt)
      }),
    )
    await h.clock.advance(1000)
    await expect(running).rejects.toThrow('no primary')
    expect(attempts).toEqual([1])
    expect(h.of('workReplayed')).toEqual([])
  })

  test('work whose signal fires in the pause before it is run again', async () => {
    h = manage()
    const abort = new AbortController()
    const { attempts, work } = failing(conflict())
    const running = expectLater(h.manager.replay(work, { signal: abort.signal }))
    await h.clock.settle()
    abort.abort()
    await h.clock.advance(1000)
    await expect(running).rejects.toThrow('conflict')
    expect(attempts).toEqual([1])
  })

  test('a COMMIT that took too long, though it may be asked what became of it', async () => {
    h = manage()
    for (const [outcome, expected] of [
      ['committed', 'resolves'],
      ['not-committed', 'rejects'],
      ['unknown', 'rejects'],
    ] as const) {
      let attempts = 0
      h.driver.next('commit', { fail: new CommitOutcomeUnknownError(new QueryTimeoutError(5)) })
      const running = h.manager.transaction(
        async () => {
          attempts += 1
          return 'done'
        },
        { replay: 'idempotent', outcome: async () => outcome },
      )
      if (expected === 'resolves') expect(await running).toBe('done')
      else await expect(running).rejects.toMatchObject({ code: expect.stringMatching(/^CONNMGR_/) })
      expect(attempts).toBe(1)
    }
  })
})

describe('an error of the caller', () => {
  test('is not repeated as a connection was lost while it was idle', async () => {
    h = manage()
    for (const replay of ['safe', 'idempotent'] as const) {
      for (const unit of ['transaction', 'use'] as const) {
        let attempts = 0
        await expect(
          h.manager[unit](
            async (connection) => {
              attempts += 1
              connection.lose()
              throw new Error('sold out')
            },
            { replay },
          ),
        ).rejects.toThrow('sold out')
        expect(attempts).toBe(1)
      }
    }
  })

  test('is repeated if the loss is its cause', async () => {
    h = manage()
    let attempts = 0
    await h.manager.transaction(
      async (connection) => {
        attempts += 1
        if (attempts > 1) return
        h.driver.next('query', { fail: new ConnectionLostError('cut') })
        await connection.query('insert').catch((cause: unknown) => {
          throw new Error('no order was placed', { cause })
        })
      },
      { replay: 'safe' },
    )
    expect(attempts).toBe(2)
  })
})
