import { conflict, failing, refused } from '../../test/failing-work.js'
import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { currentEffects } from '../flow/effects.js'
import { CommitOutcomeUnknownError } from '../statement-errors.js'

let h: Harness
afterEach(() => close(h))

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
