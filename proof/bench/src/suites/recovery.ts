import { createConnectionManager } from '@connmgr/mysql'
import { MARIADB, type PostgresCluster, startCluster, startMariadb } from '@connmgr/testing'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { CONNECTIONS, managerOf } from '../postgres-subjects.js'
import { compareRecoveries, type Harm, WRITE_S, type WriterOpener } from '../recovery.js'
import type { Measured, Suite } from '../suite.js'

const INSERT = 'insert into ledger (id) values ($1)'
const TABLE = `
  create table ledger (row bigserial primary key, id text not null);
  create function take_time() returns trigger language plpgsql as $$
    begin perform pg_sleep(${WRITE_S}); return new; end $$;
  create trigger take_time before insert on ledger for each row execute function take_time();`
const TERMINATE = `
  select pg_terminate_backend(pid) from pg_stat_activity
   where backend_type = 'client backend' and pid <> pg_backend_pid()`

function ours(url: string, failoverUrls: readonly string[]): WriterOpener {
  return async () => {
    const manager = managerOf(url, { failoverUrls })
    await manager.start()
    return {
      write: (id) => manager.pool.query(INSERT, [id]),
      close: () => manager.close({ drainTimeoutMs: 0 }),
    }
  }
}

function pgPool(connectionString: string): WriterOpener {
  return async () => {
    const pool = new pg.Pool({ connectionString, max: CONNECTIONS })
    // Without a listener the end of an idle client ends the process.
    pool.on('error', () => {})
    return { write: (id) => pool.query(INSERT, [id]), close: () => pool.end() }
  }
}

function postgresJs(url: string): WriterOpener {
  return async () => {
    const sql = postgres(url, { max: CONNECTIONS, onnotice: () => {} })
    return {
      write: async (id) => sql`insert into ledger (id) values (${id})`,
      close: () => sql.end({ timeout: 0 }),
    }
  }
}

async function onPostgres(
  harmOf: (cluster: PostgresCluster) => Harm,
  rounds: number,
): Promise<Measured> {
  const cluster = await startCluster({ standbys: 1, synchronous: true })
  try {
    await cluster.primary.query(TABLE)
    const [url, ...others] = cluster.nodes.map((node) => node.url()) as [string, ...string[]]
    const openers = {
      connmgr: ours(url, others),
      'connmgr, one server': ours(url, []),
      'pg.Pool': pgPool(url),
      'postgres.js': postgresJs(url),
    }
    return await compareRecoveries(openers, 'pg.Pool', harmOf(cluster), rounds)
  } finally {
    await cluster.stop()
  }
}

async function onMariadb(rounds: number): Promise<Measured> {
  // The replica applies rows, not statements that take their time again.
  const settings = { 'binlog-format': 'row' }
  const cluster = await startMariadb({ replicas: 1, synchronous: true, settings })
  try {
    const { primary } = cluster
    await primary.query(
      'create table ledger (number bigint auto_increment primary key, id varchar(100) not null) engine = innodb',
    )
    await primary.query(
      `create trigger take_time before insert on ledger for each row set @slept = sleep(${WRITE_S})`,
    )
    await Promise.all(cluster.replicas.map((replica) => replica.waitForReplay(primary)))
    const sql = INSERT.replace('$1', '?')
    const [url, ...others] = cluster.nodes.map((node) => node.url()) as [string, ...string[]]
    const opener =
      (failoverUrls: readonly string[]): WriterOpener =>
      async () => {
        const manager = createConnectionManager({
          databaseUrl: url,
          failoverUrls,
          poolSize: CONNECTIONS,
          maxOverflow: 0,
          logger: false,
        })
        await manager.start()
        return {
          write: (id) => manager.pool.promise().query(sql, [id]),
          close: () => manager.close({ drainTimeoutMs: 0 }),
        }
      }
    const mysql2: WriterOpener = async () => {
      const pool = createPool({ uri: url, connectionLimit: CONNECTIONS })
      return { write: (id) => pool.query(sql, [id]), close: () => pool.end() }
    }
    const openers = { connmgr: opener(others), 'connmgr, one server': opener([]), mysql2 }
    const kill: Harm = async () => {
      const killedAt = performance.now()
      await primary.killConnections('app')
      return killedAt
    }
    return await compareRecoveries(openers, 'mysql2', kill, rounds)
  } finally {
    await cluster.stop()
  }
}

export const blow: Suite = {
  name: 'blow',
  about: `all connections are ended by the server: time to the next write, which takes ${WRITE_S * 1000} ms itself`,
  peers: ['pg.Pool', 'postgres.js', 'mysql2'],
  ifNamed: true,
  async run({ rounds }) {
    const terminate = ({ primary }: PostgresCluster): Harm => {
      return async () => {
        const terminatedAt = performance.now()
        await primary.query(TERMINATE)
        return terminatedAt
      }
    }
    const results: Record<string, Measured> = { postgresql: await onPostgres(terminate, rounds) }
    if (MARIADB.find() === undefined)
      console.error(`blow: left out, as there is no MariaDB here: ${MARIADB.howToGet}`)
    else results.mariadb = await onMariadb(rounds)
    return results
  },
}

export const restart: Suite = {
  name: 'restart',
  about: `a server is restarted: time from its readiness to the next write, which takes ${WRITE_S * 1000} ms itself`,
  peers: ['pg.Pool', 'postgres.js'],
  ifNamed: true,
  async run({ rounds }) {
    const restarted = ({ primary }: PostgresCluster): Harm => {
      return async () => {
        await primary.stop('fast')
        await primary.start()
        return performance.now()
      }
    }
    return { postgresql: await onPostgres(restarted, rounds) }
  },
}
