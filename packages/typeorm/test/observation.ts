import { QueryFailedError } from 'typeorm'
import { Author } from './entities.js'
import type { AdapterSubject } from './subject.js'

export function describeObservation(subject: AdapterSubject): void {
  const { harness } = subject

  describe('what is to be seen', () => {
    test('a query runner that is never released is named by function, file and line', async () => {
      const dataSource = await subject.open(
        {},
        { leakDetection: { thresholdMs: 50, captureStack: 'always' } },
      )
      const manager = subject.manager(dataSource)
      const detected = new Promise((resolve) => manager.on('leakDetected', resolve))
      const queryRunner = dataSource.createQueryRunner()
      async function forgetful() {
        await queryRunner.startTransaction()
        await queryRunner.manager.insert(Author, { name: 's3cr3t' })
      }
      await forgetful()
      await detected
      const [leak, ...others] = manager.detectLeaks()
      expect(others).toEqual([])
      expect(leak?.checkedOutBy).toMatch(/^forgetful \(.*observation\.ts:\d+:\d+\)$/)
      expect(leak?.lastQuery).toMatch(/^INSERT INTO/i)
      expect(JSON.stringify(leak)).not.toContain('s3cr3t')
      await queryRunner.rollbackTransaction()
      await queryRunner.release()
      expect(manager.detectLeaks()).toEqual([])
    })

    test('the metrics count what was borrowed, and the health is good', async () => {
      const dataSource = await subject.open({}, harness.twoConnections)
      const manager = subject.manager(dataSource)
      const before = manager.getPoolMetrics()
      for (const name of ['a', 'b', 'c']) await dataSource.getRepository(Author).save({ name })
      const { totalCheckouts, checkedOut, failedCheckouts } = manager.getPoolMetrics()
      expect(totalCheckouts).toBeGreaterThan(before.totalCheckouts)
      expect([checkedOut, failedCheckouts]).toEqual([0, 0])
      expect((await manager.checkHealth()).healthy).toBe(true)
      expect(manager.getHealthStatus().healthy).toBe(true)
    })

    test('an error is a QueryFailedError with the error of the driver, and gives its connection back', async () => {
      const dataSource = await subject.open()
      const authors = dataSource.getRepository(Author)
      await authors.insert({ name: 'Ada' })
      const error = await authors.insert({ name: 'Ada' }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(QueryFailedError)
      const { driverError, query } = error as QueryFailedError
      const { code } = driverError as Error & { code?: string }
      // An add-on's errors are not of the test's own `Error`.
      expect(driverError).toMatchObject({ message: expect.any(String), code: expect.any(String) })
      expect(error).toMatchObject({ code })
      expect(query).toMatch(/^INSERT INTO/i)
      await expect(dataSource.query('select nonsense from nowhere')).rejects.toBeInstanceOf(
        QueryFailedError,
      )
      await expect(
        dataSource.transaction((entities) => entities.insert(Author, { name: 'Ada' })),
      ).rejects.toBeInstanceOf(QueryFailedError)
      expect(subject.manager(dataSource).getCounts().inUse).toBe(0)
      expect(await authors.count()).toBe(1)
    })

    test(
      harness.streams
        ? 'rows are streamed, and the connection comes back'
        : 'streams are refused as by TypeORM alone',
      async () => {
        const dataSource = await subject.open()
        for (const name of ['a', 'b', 'c']) await dataSource.getRepository(Author).save({ name })
        const queryRunner = dataSource.createQueryRunner()
        try {
          if (!harness.streams) {
            expect(() => queryRunner.stream('select 1')).toThrow(/not supported/)
            return
          }
          const rows: unknown[] = []
          const stream = await queryRunner.stream('select name from authors order by name')
          for await (const row of stream) rows.push(row)
          expect(rows).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
        } finally {
          await queryRunner.release()
        }
        expect(subject.manager(dataSource).getCounts().inUse).toBe(0)
      },
    )

    test('a query runner that was released is refused', async () => {
      const dataSource = await subject.open()
      const queryRunner = dataSource.createQueryRunner()
      await queryRunner.query('select 1')
      await queryRunner.release()
      await expect(queryRunner.query('select 1')).rejects.toThrow(/released/)
    })
  })
}
