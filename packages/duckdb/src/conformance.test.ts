import { writeFileSync } from 'node:fs'
import { describeDriver } from '@connmgr/testing'
import type { DuckDBConnection } from '@duckdb/node-api'
import { Files } from '../test/files.js'
import { DuckDbDriver } from './driver.js'
import { useInstance } from './instances.js'

describeDriver<DuckDBConnection>(
  'duckdb',
  async () => {
    const files = new Files()
    const endpoint = (path: string) => ({ id: path, config: { path, key: path, options: {} } })
    const path = files.path()
    const use = await useInstance(path, path, {})
    const aside = await use.connect()
    await aside.run("create sequence ids; create table rows (id integer default nextval('ids'))")
    const denied = files.path()
    writeFileSync(denied, 'no database, but long enough to be taken for one. '.repeat(500))
    const number = async (sql: string): Promise<number> =>
      Number((await aside.runAndReadAll(sql)).getRows()[0]?.[0])
    return {
      driver: new DuckDbDriver(),
      endpoint: endpoint(path),
      refused: endpoint('/nowhere/at/all.duckdb'),
      denied: endpoint(denied),
      statements: {
        read: 'select 1',
        readValue: 'select $1',
        slow: 'select count(*) from range(100000) a, range(5000) b where a.range <> b.range',
        endless:
          'select count(*) from range(10000000000) a, range(1000) b where a.range <> b.range',
        wrong: 'select nonsense',
        insert: 'insert into rows default values',
        set: "set variable colour = 'red'",
      },
      query: (connection, text, values) => connection.run(text, values as string[] | undefined),
      countRows: () => number('select count(*) from rows'),
      hasSetting: async (connection) =>
        (await connection.runAndReadAll("select getvariable('colour')")).getRows()[0]?.[0] ===
        'red',
      countSessions: async () => (await number('select count from duckdb_connection_count()')) - 1,
      close: async () => {
        aside.closeSync()
        use.release()
        files.remove()
      },
    }
  },
  { without: ['replication'], network: false },
)
