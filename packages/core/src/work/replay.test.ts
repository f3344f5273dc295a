import { AsyncResource } from 'node:async_hooks'
import { FakeError } from '@connmgr/testing'
import fc from 'fast-check'
import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { currentEffects, type WriteEnd } from '../flow/effects.js'
import {
  CommitOutcomeUnknownError,
  ConnectionDestroyedError,
  ConnectionLostError,
  QueryTimeoutError,
} from '../statement-errors.js'

let h: Harness
afterEach(() => close(h))

/** Work that fails with each of these in turn, and then succeeds. */
function failing(...errors: unknown[]) {
  const attempts: number[] = []
  const work = async (attempt: number): Promise<string> => {
    attempts.push(attempt)
    if (errors.length > 0) throw errors.shift()
    return 'done'
  }
  return { attempts, work, inTransaction: (_c: unknown, _l: unknown, n: number) => work(n) }
}

const refused = () => new FakeError('read-only', 'no primary')
const conflict = () => new FakeError('serialization', 'conflict')
const cut = { fail: 'lost' } as const
const UNKNOWN = { code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' }

describe('a transaction', () => {
  test('is run once unless it says otherwise', async () => {
    h = manage()
    const { attempts, inTransaction } = failing(refused())
    await expect(h.manager.transaction(inTransaction)).rejects.toThrow('no primary')
    expect(attempts).toEqual([1])
    expect(h.manager.getReplayStats()).toEqual({ replays: 0, recovered: 0, failed: 0, resolved: 0 })
  })

  test('that is safe is run again until it succeeds, and knows the attempt', async () => {
    h = manage()
    const { attempts, inTransaction } = failing(refused(), conflict())
    const running = h.manager.transaction(inTransaction, { replay: 'safe' })
    await h.clock.advance(1000)
    expect(await running).toBe('done')
    expect(attempts).toEqual([1, 2, 3])
    expect(h.of('workReplayed')).toMatchObject([
      { unit: 'transaction', attempt: 2, reason: 'refused', error: { message: 'no primary' } },
      { unit: 'transaction', attempt: 3, reason: 'conflict' },
    ])
    expect(h.manager.getReplayStats()).toMatchObject({ replays: 2, recovered: 1, failed: 0 })
    expect(h.manager.getCounts().inUse).toBe(0)
  })

  test('whose connection is lost in the work or at BEGIN is run again at once', async () => {
    h = manage()
    h.driver.next('begin', cut)
    h.driver.next('query', cut)
    const running = h.manager.transaction((connection) => connection.query('insert'), {
      replay: 'safe',
    })
    await h.clock.advance(50)
    await running
    expect(h.of('workReplayed').map(({ reason }) => reason)).toEqual(['never-sent', 'never-sent'])
  })

  test('whose COMMIT was in flight is not run again', async () => {
    h = manage()
    h.driver.next('commit', cut)
    const { attempts, inTransaction } = failing()
    await expect(h.manager.transaction(inTransaction, { replay: 'safe' })).rejects.toMatchObject(
      UNKNOWN,
    )
    expect(attempts).toEqual([1])
    expect(h.manager.getReplayStats()).toMatchObject({ failed: 1 })
  })

  test('that is idempotent is run again even then', async () => {
    h = manage()
    h.driver.next('commit', cut)
    const { attempts, inTransaction } = failing()
    expect(await h.manager.transaction(inTransaction, { replay: 'idempotent' })).toBe('done')
    expect(attempts).toEqual([1, 2])
  })

  test.each([
    ['committed', 'safe', ['done'], 1],
    ['not-committed', 'safe', ['done'], 2],
    ['unknown', 'safe', UNKNOWN, 1],
    ['unknown', 'idempotent', ['done'], 2],
    ['committed', 'never', ['done'], 1],
    ['not-committed', 'never', { code: 'CONNMGR_CONNECTION_LOST' }, 1],
  ] as const)('whose outcome is found to be %s, %s', async (outcome, replay, expected, times) => {
    h = manage()
    h.driver.next('commit', cut)
    const { attempts, inTransaction } = failing()
    const asked: unknown[] = []
    const running = h.manager.transaction(inTransaction, {
      replay,
      outcome: async (error, attempt) => {
        asked.push([error instanceof CommitOutcomeUnknownError, attempt])
        return outcome
      },
    })
    if (Array.isArray(expected)) expect(await running).toBe(expected[0])
    else await expect(running).rejects.toMatchObject(expected)
    expect(asked).toEqual([[true, 1]])
    expect(attempts).toHaveLength(times)
  })

  test('stays unknown if asking for its outcome fails', async () => {
    h = manage()
    h.driver.next('commit', cut)
    await expect(
      h.manager.transaction(failing().inTransaction, {
        replay: 'safe',
        outcome: async () => {
          throw new Error('no answer')
        },
      }),
    ).rejects.toMatchObject(UNKNOWN)
    expect(h.of('listenerFailed')).toMatchObject([{ error: { message: 'no answer' } }])
  })

  test('is not run again past its deadline, nor waits for a connection beyond it', async () => {
    h = manage({ acquireTimeoutMs: 5000 })
    h.driver.always('connect', { fail: 'unreachable' })
    const running = expectLater(
      h.manager.transaction(failing().inTransaction, { replay: 'safe', deadlineMs: 300 }),
    )
    await h.clock.advance(301)
    await expect(running).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
  })

  test('that finds no connection in time goes on looking until its deadline', async () => {
    h = manage({ acquireTimeoutMs: 100 })
    h.driver.server('a').crash()
    const running = h.manager.transaction(failing().inTransaction, { replay: 'safe' })
    await h.clock.advance(1000)
    h.driver.server('a').start()
    await h.clock.advance(5000)
    expect(await running).toBe('done')
    expect(h.of('workReplayed')[0]).toMatchObject({ reason: 'never-sent' })
  })

  test('that asked for refusal of its writes is not run again when they are refused', async () => {
    h = manage()
    const { attempts, inTransaction } = failing(refused())
    await expect(
      h.manager.transaction(inTransaction, { replay: 'safe', readOnly: true }),
    ).rejects.toThrow('no primary')
    expect(attempts).toEqual([1])
  })

  test('is not run again once its signal has fired', async () => {
    h = manage()
    const abort = new AbortController()
    const { attempts, work } = failing(refused())
    await expect(
      h.manager.transaction(
        (_c, _l, attempt) => {
          abort.abort()
          return work(attempt)
        },
        { replay: 'safe', signal: abort.signal },
      ),
    ).rejects.toMatchObject({ code: 'CONNMGR_ABORTED' })
    expect(attempts).toEqual([1])
  })

  test.each([
    [{ replay: 'always' as 'safe' }, 'replay'],
    [{ deadlineMs: -1 }, 'deadlineMs'],
    [{ outcome: 'committed' as never }, 'outcome'],
  ])('refuses %j', async (options, option) => {
    h = manage()
    await expect(h.manager.transaction(failing().inTransaction, options)).rejects.toMatchObject({
      code: 'CONNMGR_INVALID_OPTION',
      option,
    })
  })
})

describe('other units of work', () => {
  test('use() runs its work again, on another lease', async () => {
    h = manage()
    const { attempts, inTransaction } = failing(refused())
    expect(await h.manager.use(inTransaction, { replay: 'safe' })).toBe('done')
    expect(attempts).toEqual([1, 2])
    expect(h.of('connectionAcquired')).toHaveLength(2)
    expect(h.manager.getCounts().inUse).toBe(0)
  })

  test('replay() is safe by default, and takes a result for what was committed', async () => {
    h = manage()
    const { attempts, work } = failing(refused())
    expect(await h.manager.replay(work)).toBe('done')
    expect(attempts).toEqual([1, 2])
    const lost = failing(new CommitOutcomeUnknownError(undefined))
    expect(
      await h.manager.replay(lost.work, { outcome: async () => ({ committed: 'found' }) }),
    ).toBe('found')
    expect(h.manager.getReplayStats()).toMatchObject({ resolved: 1 })
  })

  test('what has written something that stays is not run again, unless it is idempotent', async () => {
    h = manage()
    const writing = () => {
      const { attempts, work } = failing(refused())
      return {
        attempts,
        work: (attempt: number) => {
          currentEffects()?.begin()('kept')
          return work(attempt)
        },
      }
    }
    const safe = writing()
    await expect(h.manager.replay(safe.work)).rejects.toThrow('no primary')
    expect(safe.attempts).toEqual([1])
    const idempotent = writing()
    expect(await h.manager.replay(idempotent.work, { replay: 'idempotent' })).toBe('done')
  })

  test('a transaction that was committed in it stays', async () => {
    h = manage()
    const { attempts, work } = failing(refused())
    await expect(
      h.manager.replay(async (attempt) => {
        await h.manager.transaction(async () => {}, { replay: 'safe' })
        return work(attempt)
      }),
    ).rejects.toThrow('no primary')
    expect(attempts).toEqual([1])
  })

  test('a transaction that goes on after the others have failed is not committed', async () => {
    h = manage()
    const fates: string[] = []
    let letGo = (): void => {}
    const failed = new Promise<void>((resolve) => {
      letGo = resolve
    })
    await h.manager.replay(async (attempt) => {
      const straggler = h.manager.transaction(async () => {
        if (attempt === 1) await failed
      })
      straggler.then(
        () => fates.push(`${attempt} committed`),
        (error: { code: string }) => fates.push(`${attempt} ${error.code}`),
      )
      if (attempt === 1) throw refused()
      letGo()
      await straggler
    })
    await h.clock.settle()
    expect(fates.sort()).toEqual(['1 CONNMGR_CONNECTION_LOST', '2 committed'])
    expect(h.driver.count('commit')).toBe(1)
    expect(h.driver.count('rollback')).toBe(1)
  })

  test('one that was rolled back does not', async () => {
    h = manage()
    const { attempts, work } = failing(refused())
    await h.manager.replay(async (attempt) => {
      await h.manager
        .transaction(async () => {
          throw new Error('second thoughts')
        })
        .catch(() => {})
      return work(attempt)
    })
    expect(attempts).toEqual([1, 2])
  })
})

describe('a transaction of a library', () => {
  test('is run again with the work of the caller, who gets the attempt', async () => {
    h = manage()
    const { attempts, work } = failing(refused())
    const begun: string[] = []
    const running = h.manager.replayTransaction(
      (inner: (transaction: string) => Promise<string>) => {
        begun.push('begin')
        return inner('tx')
      },
      (transaction, attempt) => work(attempt).then((result) => `${result} in ${transaction}`),
    )
    await h.clock.advance(1000)
    expect(await running).toBe('done in tx')
    expect(attempts).toEqual([1, 2])
    expect(begun).toEqual(['begin', 'begin'])
  })

  test('whose COMMIT was lost has what its work came to, if the outcome is found to be a commit', async () => {
    h = manage()
    const running = h.manager.replayTransaction(
      async (inner: (transaction: string) => Promise<string>) => {
        await inner('tx')
        throw new CommitOutcomeUnknownError(new Error('lost'))
      },
      async () => 'written',
      { outcome: async () => 'committed' },
    )
    await h.clock.advance(1000)
    expect(await running).toBe('written')
  })
})

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

describe('statements of an attempt that are not awaited', () => {
  test('keep it from being run again while they are in flight', async () => {
    h = manage()
    const { attempts, work } = failing(refused())
    await expect(
      h.manager.replay((attempt) => {
        currentEffects()?.begin()
        return work(attempt)
      }),
    ).rejects.toThrow('no primary')
    expect(attempts).toEqual([1])
  })

  test('a transaction that was begun in it is not committed, not even after the unit has ended', async () => {
    h = manage()
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let straggler: Promise<unknown> = Promise.resolve()
    await h.manager.replay(async (attempt) => {
      if (attempt > 1) return
      straggler = expectLater(h.manager.transaction(() => held))
      await h.clock.settle()
      throw refused()
    })
    letGo()
    await expect(straggler).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST', sent: false })
    expect(h.driver.count('commit')).toBe(0)
    expect(h.driver.count('rollback')).toBe(1)
  })
})

test('what a unit has left behind is of no attempt once it has ended, however it has', async () => {
  h = manage()
  const left: (() => unknown)[] = []
  const work = async (attempt: number): Promise<void> => {
    left.push(AsyncResource.bind(() => currentEffects()))
    if (attempt === 1) throw refused()
  }
  await h.manager.replay(work)
  await expect(h.manager.replay(() => work(1), { deadlineMs: 0 })).rejects.toThrow('no primary')
  await h.manager.use((_c, _l, attempt) => work(attempt), { replay: 'safe' })
  expect(left).toHaveLength(5)
  expect(left.map((each) => each())).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('never is a thing written twice, whatever fails, and when', async () => {
  // What each statement of an attempt does, and how the attempt ends.
  const statement = fc.record({
    end: fc.constantFrom<WriteEnd>('kept', 'undone', 'unknown'),
    awaited: fc.boolean(),
    late: fc.boolean(),
  })
  const ending = fc.constantFrom(
    'refused',
    'conflict',
    'lost',
    'limit',
    'business',
    'unknown',
    'done',
  )
  const attempt = fc.record({ statements: fc.array(statement, { maxLength: 4 }), ending })
  const errors: Record<string, () => Error> = {
    refused,
    conflict,
    lost: () => new ConnectionLostError('cut'),
    limit: () => new ConnectionLostError('cut', new QueryTimeoutError(1)),
    business: () => new Error('sold out'),
    unknown: () => new CommitOutcomeUnknownError(undefined),
  }
  h = manage()
  await fc.assert(
    fc.asyncProperty(fc.array(attempt, { minLength: 1, maxLength: 4 }), async (plan) => {
      /** Attempts that may have left something behind. */
      const wrote = new Set<number>()
      let run = 0
      const running = expectLater(
        h.manager.replay(async (number) => {
          run = number
          const { statements, ending } = plan[number - 1] ?? { statements: [], ending: 'done' }
          for (const { end, awaited, late } of statements) {
            const write = async (): Promise<void> => {
              if (late) await Promise.resolve()
              const ended = currentEffects()?.begin()
              if (end !== 'undone') wrote.add(number)
              if (!awaited) await new Promise((resolve) => setImmediate(resolve))
              ended?.(end)
            }
            if (awaited) await write()
            else write().catch(() => {})
          }
          const fail = errors[ending]
          if (fail !== undefined) throw fail()
        }),
      )
      await h.clock.advance(5000)
      await running.catch(() => {})
      await h.clock.settle()
      const earlier = [...wrote].filter((number) => number < run)
      expect(earlier).toEqual([])
      const last = plan[run - 1]
      for (const { ending } of plan.slice(0, run - 1))
        expect(['limit', 'business', 'unknown', 'done']).not.toContain(ending)
      if (last === undefined) await expect(running).resolves.toBeUndefined()
    }),
    { numRuns: 200 },
  )
})
