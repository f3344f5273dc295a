import { DataSource } from 'typeorm'
import { attachConnectionManager, getConnections, withConnectionManager } from '../src/index.js'
import { Author, CreateNotes1700000000000 } from './entities.js'
import type { AdapterSubject } from './subject.js'

export function describeLifecycle(subject: AdapterSubject): void {
  const { harness } = subject

  describe('the life of a DataSource', () => {
    test('destroy closes a manager of its own; after another initialize there is a new one', async () => {
      const dataSource = await subject.open()
      const first = subject.manager(dataSource)
      await dataSource.getRepository(Author).save({ name: 'Ada' })
      await dataSource.destroy()
      expect(first.closed).toBe(true)
      await dataSource.initialize()
      expect(subject.manager(dataSource)).not.toBe(first)
      expect(subject.manager(dataSource).closed).toBe(false)
    })

    test('destroy leaves a shared manager open', async () => {
      const manager = harness.createManager()
      try {
        const dataSource = await subject.open({}, manager)
        await dataSource.getRepository(Author).save({ name: 'shared' })
        expect(subject.manager(dataSource)).toBe(manager)
        await dataSource.destroy()
        expect(manager.closed).toBe(false)
        const again = await subject.open({}, manager)
        expect(await again.getRepository(Author).count()).toBe(1)
        await again.destroy()
      } finally {
        await manager.close()
      }
    })

    test('a manager can be attached to a DataSource that exists, before it is initialized', async () => {
      const dataSource = subject.keep(new DataSource(subject.options()))
      expect(() => getConnections(dataSource)).toThrow(/does not manage this DataSource/)
      const manager = attachConnectionManager(dataSource, { logger: false }, harness.type)
      await dataSource.initialize()
      expect(subject.manager(dataSource)).toBe(manager)
      await dataSource.getRepository(Author).save({ name: 'attached' })
      expect(manager.getPoolMetrics().totalCheckouts).toBeGreaterThan(1)
      expect(() => attachConnectionManager(dataSource)).toThrow(/before initialize/)
      await dataSource.destroy()
      expect(manager.closed).toBe(true)
    })

    test('a query runner that was never released does not keep destroy from closing the manager', async () => {
      const dataSource = await subject.open()
      const queryRunner = dataSource.createQueryRunner()
      await queryRunner.startTransaction()
      await queryRunner.manager.insert(Author, { name: 'lost' })
      const manager = subject.manager(dataSource)
      manager.on('leakDetected', () => {})
      await dataSource.destroy()
      expect(manager.closed).toBe(true)
      await dataSource.initialize()
      expect(await dataSource.getRepository(Author).countBy({ name: 'lost' })).toBe(0)
    }, 30_000)

    test('queries after destroy are refused', async () => {
      const dataSource = await subject.open()
      await dataSource.destroy()
      await expect(dataSource.query('select 1')).rejects.toThrow()
    })

    test('the type of another database is refused, and so is a manager of another', async () => {
      const dataSource = subject.make()
      const other = harness.type === 'postgres' ? 'mysql' : 'postgres'
      expect(() => getConnections(dataSource, other)).toThrow(
        expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'type' }),
      )
      const foreign = { acquire: () => {} }
      expect(() => withConnectionManager(subject.options(), foreign as never)).toThrow(
        expect.objectContaining({ code: 'CONNMGR_INVALID_OPTION', option: 'manager' }),
      )
      await subject.manager(dataSource).close()
    })

    test('migrations run and revert', async () => {
      const dataSource = await subject.open({ migrations: [CreateNotes1700000000000] })
      expect(await dataSource.runMigrations()).toHaveLength(1)
      expect(await dataSource.query('select n from notes')).toEqual([{ n: 1 }])
      expect(await dataSource.runMigrations()).toEqual([])
      await dataSource.undoLastMigration()
      await expect(dataSource.query('select n from notes')).rejects.toThrow(/notes/)
      expect(subject.manager(dataSource).getCounts().inUse).toBe(0)
    })

    test('a schema that is synchronized needs no further change, and can be dropped and made anew', async () => {
      const dataSource = await subject.open()
      await dataSource.getRepository(Author).save({ name: 'Ada', posts: [{ title: 'One' }] })
      // TypeORM may want changes of its own, as the type `mysql` does on MariaDB.
      const plain = await subject.openPlain()
      expect(await changesOf(dataSource)).toEqual(await changesOf(plain))
      await plain.destroy()
      await dataSource.synchronize(true)
      expect(await dataSource.getRepository(Author).count()).toBe(0)
      expect(subject.manager(dataSource).getCounts().inUse).toBe(0)
    })
  })
}

async function changesOf(dataSource: DataSource): Promise<string[]> {
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log()
  return upQueries.map(({ query }) => query)
}
