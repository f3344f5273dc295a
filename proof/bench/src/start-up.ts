// A program that loads one library, asks its server one question and says what that cost, as JSON. Its own imports are of
// Node alone, so that nothing is loaded before the clock starts.
import type * as Connmgr from '@connmgr/pg'
import type * as Pg from 'pg'
import type Postgres from 'postgres'

const QUESTION = 'select 1 as answer'

/** How a library is loaded: by `require`, or by `import` from an ES module. */
type Load = (name: string) => unknown

const ASK: Readonly<Record<string, (load: Load, url: string) => Promise<unknown>>> = {
  async connmgr(load, databaseUrl) {
    const { createConnectionManager } = (await load('@connmgr/pg')) as typeof Connmgr
    return createConnectionManager({ databaseUrl, logger: false }).pool.query(QUESTION)
  },
  async 'pg-pool'(load, connectionString) {
    const { Pool } = (await load('pg')) as typeof Pg
    return new Pool({ connectionString }).query(QUESTION)
  },
  async 'postgres.js'(load, url) {
    const loaded = (await load('postgres')) as typeof Postgres & { default?: typeof Postgres }
    return (loaded.default ?? loaded)(url).unsafe(QUESTION)
  },
}

const [, , library = '', how = '', url = ''] = process.argv
const before = process.cpuUsage()
const start = process.hrtime.bigint()
const load: Load = how === 'import' ? (name) => import(name) : require
ASK[library]?.(load, url).then(
  () => {
    const nanoseconds = Number(process.hrtime.bigint() - start)
    const { user, system } = process.cpuUsage(before)
    const files = Object.keys(require.cache).length - 1
    console.log(
      JSON.stringify({
        nanoseconds,
        processorMs: (user + system) / 1000,
        files,
      }),
    )
    process.exit(0)
  },
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  },
)
