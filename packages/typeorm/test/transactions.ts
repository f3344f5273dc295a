import { eventually } from '@connmgr/testing'
import { replayTransaction } from '../src/index.js'
import { Author, Post } from './entities.js'
import type { AdapterSubject } from './subject.js'

const CALLERS = 50

export function describeTransactions(subject: AdapterSubject): void {
  const { harness } = subject

  describe('transactions', () => {
    test('of 50 concurrent callers are kept or undone, each as a whole and for itself', async () => {
      const dataSource = await subject.open({}, { acquireTimeoutMs: 60_000 })
      const author = await dataSource.getRepository(Author).save({ name: 'Ada' })
      await dataSource.getRepository(Post).save({ title: 'counter', author })
      const outcomes = await Promise.allSettled(
        Array.from({ length: CALLERS }, (_, caller) =>
          dataSource.transaction(async (entities) => {
            await entities.increment(Post, { title: 'counter' }, 'likes', 1)
            for (let n = 0; n < 3; n += 1)
              await entities.save(Post, { title: `of ${caller}`, author })
            expect(await entities.countBy(Post, { title: `of ${caller}` })).toBe(3)
            if (caller % 2 === 1) throw new Error('second thoughts')
          }),
        ),
      )
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(CALLERS / 2)
      const posts = await dataSource.getRepository(Post).find()
      const titles = posts.filter(({ title }) => title !== 'counter').map(({ title }) => title)
      const kept = Array.from({ length: CALLERS / 2 }, (_, n) => `of ${n * 2}`)
      expect(titles.sort()).toEqual(kept.flatMap((title) => [title, title, title]).sort())
      expect(posts.find(({ title }) => title === 'counter')?.likes).toBe(CALLERS / 2)
      // Shared connections go back once nothing is under way on them.
      await eventually(() => subject.manager(dataSource).getCounts().inUse === 0)
      expect(subject.manager(dataSource).getCounts()).toMatchObject({ waiting: 0 })
    })

    test('that are nested are savepoints: the inner one is undone and the outer one kept', async () => {
      const dataSource = await subject.open()
      await dataSource.transaction(async (outer) => {
        await outer.save(Author, { name: 'outer' })
        await outer
          .transaction(async (inner) => {
            await inner.save(Author, { name: 'inner' })
            throw new Error('second thoughts')
          })
          .catch(() => {})
        await outer.transaction((inner) => inner.save(Author, { name: 'kept' }))
      })
      const names = (await dataSource.getRepository(Author).find({ order: { name: 'ASC' } })).map(
        ({ name }) => name,
      )
      expect(names).toEqual(['kept', 'outer'])
    })

    test('of a query runner do not take in what others write meanwhile', async () => {
      const dataSource = await subject.open()
      const authors = dataSource.getRepository(Author)
      const queryRunner = dataSource.createQueryRunner()
      await queryRunner.startTransaction()
      await queryRunner.manager.save(Author, { name: 'undone' })
      const outside = authors.save({ name: 'kept' })
      expect(await queryRunner.manager.countBy(Author, { name: 'undone' })).toBe(1)
      await queryRunner.rollbackTransaction()
      await outside
      await queryRunner.release()
      expect((await authors.find()).map(({ name }) => name)).toEqual(['kept'])
    })

    test('have the isolation level that they ask for', async () => {
      const dataSource = await subject.open()
      await dataSource.transaction('SERIALIZABLE', async (entities) => {
        await entities.save(Author, { name: 'Ada' })
      })
      expect(await dataSource.getRepository(Author).count()).toBe(1)
    })

    test('are run again that have met a conflict, and what their first attempt wrote is gone', async () => {
      const dataSource = await subject.open()
      const attempts: number[] = []
      const result = await replayTransaction(dataSource, async (entities, attempt) => {
        attempts.push(attempt)
        await entities.insert(Author, { name: `attempt ${attempt}` })
        if (attempt === 1) await harness.conflict(entities)
        return 'done'
      })
      expect([result, attempts]).toEqual(['done', [1, 2]])
      expect((await dataSource.getRepository(Author).find()).map(({ name }) => name)).toEqual([
        'attempt 2',
      ])
    })

    test('are not run again by themselves if the unit of work has committed something before', async () => {
      const dataSource = await subject.open()
      let attempts = 0
      const settled = subject.manager(dataSource).replay(async () => {
        attempts += 1
        await dataSource.getRepository(Author).insert({ name: `attempt ${attempts}` })
        await dataSource.transaction((entities) => harness.conflict(entities))
      })
      await expect(settled).rejects.toMatchObject({ message: expect.any(String) })
      expect(attempts).toBe(1)
      expect(await dataSource.getRepository(Author).count()).toBe(1)
    })

    test('are not run again that fail by an error of their own', async () => {
      const dataSource = await subject.open()
      let attempts = 0
      await expect(
        replayTransaction(dataSource, async (entities) => {
          attempts += 1
          await entities.insert(Author, { name: 'Ada' })
          throw new Error('sold out')
        }),
      ).rejects.toThrow('sold out')
      expect(attempts).toBe(1)
      expect(await dataSource.getRepository(Author).count()).toBe(0)
    })
  })
}
