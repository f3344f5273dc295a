import { ConnmgrError, type ConnmgrEventType } from '@connmgr/core'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { startCluster } from '@connmgr/testing'
import { createLogger } from '@connmgr/winston'

async function main(): Promise<void> {
  await replicatedServers()
  await independentServers()
}

/** A primary and a synchronous standby: the servers decide who is the primary, the manager follows. */
async function replicatedServers(): Promise<void> {
  console.log('\nA replicated cluster')
  const cluster = await startCluster({ standbys: 1, synchronous: true })
  const manager = createConnectionManager({
    name: 'replicated',
    databaseUrl: cluster.primary.url(),
    failoverUrls: cluster.standbys.map((standby) => standby.url()),
    logger: createLogger({ level: 'warn' }),
  })
  try {
    await manager.pool.query(
      'create table orders (id serial primary key, placed timestamptz default now())',
    )
    const load = startLoad(manager, 'insert into orders default values')
    const failedOver = next(manager, 'failoverCompleted')
    await cluster.primary.crash()
    await cluster.standbys[0]?.promote()
    await failedOver
    await manager.pool.query('insert into orders default values')
    const { done, failed } = load.stop()
    console.log(`${done} orders placed; ${failed} were in flight when the primary crashed`)
    show(manager)
  } finally {
    await manager.close()
    await cluster.stop()
  }
}

/** Two servers that know nothing of each other, used in the order in which they are listed. */
async function independentServers(): Promise<void> {
  console.log('\nTwo independent servers')
  const [first, second] = await Promise.all([startCluster(), startCluster()])
  const manager = createConnectionManager({
    name: 'ordered',
    databaseUrl: first.primary.url(),
    failoverUrls: [second.primary.url()],
    failover: { mode: 'ordered', failbackStableMs: 500, failbackSuccesses: 2 },
    logger: createLogger({ level: 'warn' }),
  })
  try {
    const load = startLoad(manager, 'select 1')
    await manager.pool.query('select 1')
    const failedOver = next(manager, 'failoverCompleted')
    await first.primary.crash()
    await failedOver
    show(manager)
    const failedBack = next(manager, 'failbackCompleted')
    await first.primary.start()
    await failedBack
    show(manager)
    await manager.failover(`127.0.0.1:${second.primary.port}`)
    console.log('moved on request:')
    show(manager)
    const { done, failed } = load.stop()
    console.log(`${done} queries answered; ${failed} were in flight when a server was left`)
  } catch (error) {
    if (error instanceof ConnmgrError) console.error(error.code)
    throw error
  } finally {
    await manager.close()
    await Promise.all([first.stop(), second.stop()])
  }
}

/** A caller every ten milliseconds, as in a service that goes on whatever happens. */
function startLoad(
  manager: PgConnectionManager,
  statement: string,
): { stop(): { done: number; failed: number } } {
  const counts = { done: 0, failed: 0 }
  const timer = setInterval(() => {
    manager.pool.query(statement).then(
      () => {
        counts.done += 1
      },
      () => {
        counts.failed += 1
      },
    )
  }, 10)
  return {
    stop: () => {
      clearInterval(timer)
      return counts
    },
  }
}

function next(manager: PgConnectionManager, type: ConnmgrEventType): Promise<void> {
  return new Promise((resolve) => {
    const stop = manager.on(type, () => {
      stop()
      resolve()
    })
  })
}

function show(manager: PgConnectionManager): void {
  const { state, failovers, failbacks, endpoints } = manager.getFailoverStatus()
  console.log(`  ${state}, failovers ${failovers}, failbacks ${failbacks}`)
  for (const { id, role, state: own, active } of endpoints)
    console.log(`  ${active ? '→' : ' '} ${id}: ${role}, ${own}`)
}

// Until both stories have come to their end.
process.exitCode = 1
main().then(
  () => {
    process.exitCode = 0
  },
  (error) => {
    console.error(error)
  },
)
