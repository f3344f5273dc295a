import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as duckdb from '@connmgr/duckdb'
import * as sqlite from '@connmgr/sqlite'
import { meterProvider } from '../test/collected.js'
import { instrument } from './index.js'

const POOL = 'db.client.connection.pool.name'
const OPERATION = 'db.client.operation.duration'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'connmgr-otel-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('databases without servers are shown by their files', async () => {
  const { collect, provider } = meterProvider()
  const managers = [
    sqlite.createConnectionManager({ databaseUrl: path.join(folder, 'shop.db'), logger: false }),
    await duckdb.createConnectionManager({
      databaseUrl: path.join(folder, 'shop.duckdb'),
      logger: false,
    }),
  ] as const
  const stop = instrument(managers, { meterProvider: provider, operationDuration: true })
  const [files, ducks] = managers
  await files.use((db) => db.all('select 1'))
  await ducks.use((db) => db.run('select 1'))
  const collected = await collect()
  for (const { name } of managers) {
    const [opened] = collected.series('connmgr.connection.created', { [POOL]: name })
    expect(opened?.attributes['connmgr.endpoint']).toMatch(/shop\.(db|duckdb)/)
    expect(opened?.attributes).not.toHaveProperty('server.address')
    expect(collected.value('connmgr.pool.writable', { [POOL]: name })).toBe(1)
  }
  const systems = collected.series(OPERATION).map(({ attributes }) => attributes['db.system.name'])
  expect(new Set(systems)).toEqual(new Set(['sqlite', 'duckdb']))
  stop()
  for (const manager of managers) await manager.close()
})
