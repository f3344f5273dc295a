import { AsyncResource } from 'node:async_hooks'
import fc from 'fast-check'
import { conflict, failing, refused } from '../../test/failing-work.js'
import { close, expectLater, type Harness, manage } from '../../test/harness.js'
import { currentEffects, type WriteEnd } from '../flow/effects.js'
import {
  CommitOutcomeUnknownError,
  ConnectionLostError,
  QueryTimeoutError,
} from '../statement-errors.js'

let h: Harness
afterEach(() => close(h))

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
