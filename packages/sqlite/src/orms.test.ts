import { Opened } from '@connmgr/testing'
import { createClient } from '@libsql/client'
import { PrismaLibSql } from '@prisma/adapter-libsql'
import { SqliteDialect } from 'kysely'
import { Files } from '../test/files.js'
import { INSTALLED } from '../test/libraries.js'
import { mixedLoad } from '../test/mixed-load.js'
import { OtherProcess } from '../test/other-process.js'
import { sqliteAdapter } from '../test/prisma-adapter.js'
import { drizzleShop, kyselyShop, prismaShop, SCHEMA, type Shop } from '../test/shops.js'
import { bindingOf } from './bindings/load.js'
import type { SqliteConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'
import { kyselyDriver } from './kysely/kysely-driver.js'

const files = new Files()
const opened = new Opened()
let other: OtherProcess | undefined
afterEach(async () => {
  await other?.stop()
  other = undefined
  await opened.close()
})
afterAll(() => files.remove())

describe.each(INSTALLED)('ORMs over %s', (library) => {
  test.each<[string, (manager: SqliteConnectionManager) => Shop]>([
    ['Drizzle', (manager) => drizzleShop(manager.pool)],
    ['Kysely', (manager) => kyselyShop(() => kyselyDriver(manager))],
    ['Prisma', (manager) => prismaShop(sqliteAdapter(manager.pool))],
  ])(
    '50 callers of %s beside another process: nothing is refused, lost or mixed',
    async (_name, open) => {
      const path = files.path()
      const manager = opened.add(
        createConnectionManager({ filename: path, library, logger: false }),
      )
      await manager.use((db) => db.exec(SCHEMA))
      other = new OtherProcess(library, path)
      const shop = open(manager)
      const { failures, acknowledged, users, mixed, posts } = await mixedLoad(shop, other)
      await shop.close()
      expect({ failures, mixed, posts }).toEqual({ failures: [], mixed: [], posts: 10 })
      expect(users).toEqual(acknowledged)
    },
  )
})

describe('the same load without connmgr', () => {
  const [library = 'libsql'] = INSTALLED
  const file = (): string => {
    const path = files.path()
    const database = bindingOf(library).open(path, { readOnly: false })
    database.exec(`pragma journal_mode = wal; ${SCHEMA}`)
    database.close()
    return path
  }
  const overBetterSqlite3 = (path: string): Shop => {
    const Database = require('better-sqlite3') as new (path: string, options: object) => never
    // A longer timeout would freeze the event loop for longer, and end alike.
    const dialect = new SqliteDialect({ database: new Database(path, { timeout: 10 }) })
    return kyselyShop(() => dialect.createDriver())
  }
  const peers: [string, (path: string) => Shop][] = [
    ["Drizzle over libSQL's client", (path) => drizzleShop(createClient({ url: `file:${path}` }))],
    [
      "Prisma over libSQL's client",
      (path) => prismaShop(new PrismaLibSql({ url: `file:${path}` })),
    ],
  ]
  if (INSTALLED.includes('better-sqlite3'))
    peers.push(['Kysely over better-sqlite3', overBetterSqlite3])

  test.each(peers)('%s refuses callers', async (_name, open) => {
    const path = file()
    other = new OtherProcess('libsql', path)
    const shop = open(path)
    const { failures } = await mixedLoad(shop, other)
    await shop.close()
    expect(failures.length).toBeGreaterThan(0)
  })
})
