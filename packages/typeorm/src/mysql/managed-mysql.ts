import type { Target } from '@connmgr/core'
import { ManagedPool, type MysqlConnectionManager } from '@connmgr/mysql'
import type { PoolConnection } from 'mysql2'
import type { ManagerOwnership } from '../manager-ownership.js'

type ConnectionCallback = (error: Error | null, connection?: PoolConnection) => void
type EndCallback = (error: Error | null) => void

/** What TypeORM uses of mysql2's pool. */
interface TypeormPool {
  getConnection(callback: ConnectionCallback): void
  end(callback: EndCallback): void
}

/** What TypeORM uses of mysql2's PoolCluster. */
interface TypeormPoolCluster {
  /** Nothing: the manager knows the servers from the options of the DataSource. */
  add(): void
  getConnection(pattern: string, callback: ConnectionCallback): void
  end(callback: EndCallback): void
}

/** The name by which TypeORM asks a cluster for the master; anything else is for its slaves. */
const MASTER = 'MASTER'

/** mysql2 as TypeORM is to see it. */
export function managedMysql(ownership: ManagerOwnership<MysqlConnectionManager>): object {
  return {
    createPool: () => openPool(ownership),
    createPoolCluster: () => openCluster(ownership),
  }
}

/** TypeORM tries it out, and ends it if that fails. */
function openPool(ownership: ManagerOwnership<MysqlConnectionManager>): TypeormPool {
  const pool = ManagedPool.of(ownership.manager, 'primary')
  const end = pool.end.bind(pool)
  ownership.poolOpened()
  pool.end = (callback) => end(() => settle(ownership.poolEnded(), callback))
  return pool as unknown as TypeormPool
}

/** TypeORM abandons it if its first connection, to the master, fails. */
function openCluster(ownership: ManagerOwnership<MysqlConnectionManager>): TypeormPoolCluster {
  const { manager } = ownership
  const pools = {
    primary: ManagedPool.of(manager, 'primary'),
    'prefer-standby': ManagedPool.of(manager, 'prefer-standby'),
  } satisfies Partial<Record<Target, ManagedPool>>
  let connected = false
  ownership.poolOpened()
  return {
    add() {},
    getConnection(pattern, callback) {
      const pool = pools[pattern === MASTER ? 'primary' : 'prefer-standby']
      ;(pool as unknown as TypeormPool).getConnection((error, connection) => {
        if (error === null || connected) {
          connected ||= error === null
          callback(error, connection)
          return
        }
        settle(ownership.abandon({ drainTimeoutMs: 0 }), () => callback(error))
      })
    },
    end: (callback) => settle(ownership.poolEnded(), callback),
  }
}

/** Calls back outside of the promise, so that what the callback throws is not taken for its failure. */
function settle(work: Promise<void>, callback: EndCallback | undefined): void {
  work.then(
    () => callback && process.nextTick(callback, null),
    (error: Error) => callback && process.nextTick(callback, error),
  )
}
