import { eventually } from '../eventually.js'
import { ReplayScene } from './replay-scene.js'
import type { ReplayHarness } from './replay-subject.js'

/**
 * Proves of an adapter that work is run again when it can have had no effect, and never when it may have had one. Over
 * embedded PostgreSQL behind a proxy that cuts connections.
 */
export function describeReplay(library: string, harness: ReplayHarness): void {
  describe(`replay through ${library}`, () => {
    const scene = new ReplayScene(harness)
    beforeAll(() => scene.start())
    beforeEach(() => scene.open())
    afterEach(() => scene.close())
    afterAll(() => scene.stop())

    test('a transaction is run again whose connection is lost under a statement or between two, or that meets a conflict', async () => {
      const attempts: number[] = []
      const result = await scene.subject.replayTransaction(
        async (transaction, attempt) => {
          attempts.push(attempt)
          await transaction.insert(attempt)
          if (attempt === 1) {
            const hanging = transaction.query('select pg_sleep(60)::text')
            await Promise.all([hanging, scene.sleeping().then(() => scene.proxy.reset())])
          }
          if (attempt === 2) await scene.endSession(transaction)
          await transaction.count()
          if (attempt === 3) await scene.endSession(transaction)
          const code = { 4: '40001', 5: '40P01', 6: '25006' }[attempt]
          if (code !== undefined)
            await transaction.query(
              `do $$ begin raise exception 'no' using errcode = '${code}'; end $$`,
            )
          return attempt
        },
        { isolation: harness.serializable },
      )
      // The third has done all its work when its session ends: its COMMIT finds out.
      expect(result).toBe(7)
      expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7])
      expect(await scene.subject.ids()).toEqual([7])
      expect(scene.subject.connections.getReplayStats()).toMatchObject({ replays: 6, recovered: 1 })
    })

    test('any unit of work is run again whose connection is lost between two statements', async () => {
      const attempts: number[] = []
      await scene.subject.connections.replay((attempt) =>
        scene.subject.transaction(async (transaction) => {
          attempts.push(attempt)
          await transaction.insert(attempt)
          if (attempt === 1) await scene.endSession(transaction)
          await transaction.count()
        }),
      )
      expect(attempts).toEqual([1, 2])
      expect(await scene.subject.ids()).toEqual([2])
    })

    test.each(['safe', 'idempotent'] as const)(
      "an error of the work is not repeated by '%s' as its connection was lost while it was idle",
      async (replay) => {
        let attempts = 0
        const failing = scene.subject.replayTransaction(
          async (transaction) => {
            attempts += 1
            await transaction.insert(attempts)
            await scene.endSession(transaction)
            throw new Error('sold out')
          },
          { replay },
        )
        await expect(failing).rejects.toThrow('sold out')
        expect(attempts).toBe(1)
        expect(await scene.subject.ids()).toEqual([])
        await eventually(() => scene.subject.connections.getCounts().inUse === 0)
      },
    )

    test('an isolation level that is none does not reach SQL', async () => {
      const isolation = `${harness.serializable}; drop table ${harness.table}`
      await expect(scene.subject.replayTransaction(async () => {}, { isolation })).rejects.toThrow()
      expect(await scene.subject.ids()).toEqual([])
    })

    test('a COMMIT that is cut off and is found to be done returns the result', async () => {
      let attempts = 0
      const running = scene.subject.replayTransaction(
        async (transaction) => {
          attempts += 1
          await transaction.insert(13)
          return 'written'
        },
        { outcome: async () => 'committed' },
      )
      expect(await scene.cut(running)).toBe('written')
      expect(attempts).toBe(1)
    })

    test('a COMMIT that is cut off and whose outcome stays unknown is not repeated', async () => {
      let attempts = 0
      const running = scene.subject.replayTransaction(
        async (transaction) => {
          attempts += 1
          await transaction.insert(13)
        },
        { outcome: async () => 'unknown' },
      )
      const error = (await scene.cut(running)) as { code?: unknown }
      // Of a COMMIT some show it on the error itself, and of a statement on the one that this wraps.
      expect([error.code, scene.codeOf(error)]).toContain('CONNMGR_COMMIT_OUTCOME_UNKNOWN')
      expect(attempts).toBe(1)
    })

    test('a statement by itself keeps its code when it is cut off', async () => {
      expect(scene.codeOf(await scene.cut(scene.subject.query(harness.slowInsert)))).toBe(
        'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
      )
      await scene.subject.catalogRead()
      expect(scene.codeOf(await scene.cut(scene.subject.query('select pg_sleep(60)::text')))).toBe(
        'CONNMGR_CONNECTION_LOST',
      )
    })

    test('a statement that may have written is never run again', async () => {
      let attempts = 0
      const writing = scene.subject.connections.replay(() => {
        attempts += 1
        return scene.subject.query(harness.slowInsert)
      })
      expect(scene.codeOf(await scene.cut(writing))).toBe('CONNMGR_COMMIT_OUTCOME_UNKNOWN')
      expect(attempts).toBe(1)
    })

    test('a statement that only reads is run again by replay()', async () => {
      await scene.subject.catalogRead()
      await scene.cluster.primary.query('insert into pace values (60)')
      const replayed = scene.subject.connections.replay(async (attempt) => {
        await scene.subject.query('select pg_sleep(seconds)::text from pace')
        return attempt
      })
      await scene.sleeping()
      await scene.cluster.primary.query('update pace set seconds = 0')
      expect(await scene.cut(replayed)).toBe(2)
    })

    test('what was done by itself keeps what fails after it from being run again', async () => {
      await scene.subject.catalogRead()
      let attempts = 0
      const kept = scene.subject.connections.replay(async () => {
        attempts += 1
        await scene.subject.insert(1)
        await scene.subject.query('select pg_sleep(60)::text')
      })
      expect(scene.codeOf(await scene.cut(kept))).toBe('CONNMGR_CONNECTION_LOST')
      expect(attempts).toBe(1)
      expect(await scene.subject.ids()).toEqual([1])
    })

    test('a transaction waits for a server that starts again', async () => {
      expect(await scene.subject.ids()).toEqual([])
      await scene.cluster.primary.stop()
      const running = scene.subject.replayTransaction(async (transaction) => {
        await transaction.insert(1)
        return 'written'
      })
      await eventually(() => !scene.subject.connections.getHealthStatus().healthy)
      await scene.cluster.primary.start()
      expect(await running).toBe('written')
      expect(await scene.subject.ids()).toEqual([1])
    })
  })
}
