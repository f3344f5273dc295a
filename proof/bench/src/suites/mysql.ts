import { ManagedPool } from '@connmgr/mysql'
import { MARIADB, startMariadb } from '@connmgr/testing'
import { createPool, type Pool, type PoolConnection } from 'mysql2'
import { compareCases } from '../steady.js'
import { type Cases, type Opener, ROWS, type Subject } from '../subjects.js'
import type { Suite } from '../suite.js'

const CONNECTIONS = 10
const TEXT = 'select id, name from items where id = ?'

function ours(url: string): Pool {
  const pool = new ManagedPool({ uri: url, connectionLimit: CONNECTIONS, logger: false })
  return pool as unknown as Pool
}

function theirs(url: string): Pool {
  return createPool({ uri: url, connectionLimit: CONNECTIONS })
}

type Asking = (pool: Pool, id: number) => Promise<unknown>

/** The text goes to the server with its values in it. */
const query: Asking = (pool, id) =>
  new Promise((resolve, reject) =>
    pool.query(TEXT, [id], (error, rows) => (error ? reject(error) : resolve(rows))),
  )

/** The statement is prepared once for each connection. */
const execute: Asking = (pool, id) =>
  new Promise((resolve, reject) =>
    pool.execute(TEXT, [id], (error, rows) => (error ? reject(error) : resolve(rows))),
  )

const getConnection: Asking = (pool, id) =>
  new Promise((resolve, reject) =>
    pool.getConnection((error: Error | null, connection: PoolConnection) => {
      if (error) {
        reject(error)
        return
      }
      connection.query(TEXT, [id], (failure, rows) => {
        connection.release()
        if (failure) reject(failure)
        else resolve(rows)
      })
    }),
  )

function asking(open: (url: string) => Pool, ask: Asking): Opener {
  return async (url): Promise<Subject> => {
    const pool = open(url)
    return {
      query: (id) => ask(pool, id),
      close: () => new Promise<void>((resolve) => pool.end(() => resolve())),
    }
  }
}

/** @public as processes of contenders import it by the name of this file */
export const cases: Cases = Object.fromEntries(
  Object.entries({ query, execute, getConnection }).map(([name, ask]) => [
    name,
    { connmgr: asking(ours, ask), mysql2: asking(theirs, ask) },
  ]),
)

export const mysql: Suite = {
  name: 'mysql',
  about: `one row by its key from a local MariaDB server, ${CONNECTIONS} connections`,
  peers: ['mysql2'],
  async run(settings) {
    if (MARIADB.find() === undefined) {
      console.error(`mysql: left out, as there is no MariaDB here: ${MARIADB.howToGet}`)
      return {}
    }
    const cluster = await startMariadb()
    try {
      await cluster.primary.query('create table items (id int primary key, name text not null)')
      await cluster.primary.query(
        `insert into items select seq, concat('item ', seq) from seq_0_to_${ROWS - 1}`,
      )
      const server = { url: cluster.primary.url({ user: 'app' }), pid: cluster.primary.pid }
      return await compareCases(__filename, cases, server, settings, { baseOf: () => 'mysql2' })
    } finally {
      await cluster.stop()
    }
  },
}
