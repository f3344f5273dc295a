import assert from 'node:assert/strict'
import type { PgConnectionManager } from '@connmgr/pg'
import {
  attachConnectionManager,
  getConnections,
  type PostgresDataSourceOptions,
  replayTransaction,
  withConnectionManager,
} from '@connmgr/typeorm'
import { DataSource, type DataSourceOptions, EntitySchema, QueryFailedError } from 'typeorm'
import { expectAllReturned, expectNamedLeak, sameType, WATCHFUL } from './expect.js'

interface User {
  id: number
  name: string
}
const users = new EntitySchema<User>({
  name: 'users',
  columns: {
    id: { type: Number, primary: true, generated: true },
    name: { type: 'text', unique: true },
  },
})
const url = process.env.DATABASE_URL
const typed = withConnectionManager(
  { type: 'postgres', url, entities: [users], synchronize: true },
  WATCHFUL,
)
sameType<typeof typed, PostgresDataSourceOptions>()
const untyped: DataSourceOptions = withConnectionManager({
  type: 'postgres',
  url,
} as DataSourceOptions)
const misspelt = [
  // @ts-expect-error it is called synchronize
  () => withConnectionManager({ type: 'postgres', synchronise: true }),
  // @ts-expect-error it is called poolSize
  () => withConnectionManager({ type: 'postgres' }, { poolsize: 5 }),
]

async function main(): Promise<void> {
  assert.equal(misspelt.length, 2)
  const mysql = { type: 'mysql' } as DataSourceOptions
  assert.throws(() => withConnectionManager(mysql), { code: 'CONNMGR_INVALID_OPTION' })

  const dataSource = await new DataSource(typed).initialize()
  const manager = getConnections(dataSource)
  sameType<typeof manager, PgConnectionManager>()
  const repository = dataSource.getRepository(users)
  await repository.save({ name: 'Ada' })
  const failure = new Error('second thoughts')
  await assert.rejects(
    dataSource.transaction(async (entities) => {
      await entities.getRepository(users).save({ name: 'Nobody' })
      throw failure
    }),
    failure,
  )
  const names = await replayTransaction(dataSource, async (entities) =>
    (await entities.getRepository(users).find()).map(({ name }) => name),
  )
  sameType<typeof names, string[]>()
  assert.deepEqual(names, ['Ada'])
  await assert.rejects(repository.insert({ name: 'Ada' }), (error) => {
    assert(error instanceof QueryFailedError)
    return error.driverError.code === '23505'
  })
  await expectNamedLeak(manager, async function forgetful() {
    const runner = dataSource.createQueryRunner()
    await runner.connect()
    return () => runner.release()
  })
  expectAllReturned(manager)
  await dataSource.destroy()
  assert(manager.closed)
  await dataSource.initialize()
  assert.equal(await dataSource.getRepository(users).count(), 1)
  await dataSource.destroy()

  const attached = new DataSource(untyped)
  attachConnectionManager(attached, WATCHFUL)
  await attached.initialize()
  assert.deepEqual(await attached.query('select 1 as one'), [{ one: 1 }])
  await attached.destroy()
}

void main()
