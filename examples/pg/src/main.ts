import { createConnectionManager } from '@connmgr/pg'
import { startCluster } from '@connmgr/testing'
import { createLogger } from '@connmgr/winston'

async function main(): Promise<void> {
  const cluster = process.env.DATABASE_URL === undefined ? await startCluster() : undefined
  const manager = createConnectionManager({
    databaseUrl: process.env.DATABASE_URL ?? cluster?.primary.url(),
    poolSize: 2,
    maxOverflow: 1,
    acquireTimeoutMs: 500,
    leakDetection: { captureStack: 'always' },
    logger: createLogger(),
  })
  try {
    await manager.use((client) => client.query('create temp table if not exists note (text text)'))

    await manager.transaction(async (client) => {
      await client.query(
        'create table if not exists visits (at timestamptz not null default now())',
      )
      await client.query('insert into visits default values')
    })

    // Any library that wants a pg.Pool takes this one.
    const { rows } = await manager.pool.query('select count(*)::int as visits from visits')
    console.log('visits:', rows)

    await showExhaustion(manager)
    console.log('metrics:', manager.getPoolMetrics())
    await manager.pool.query('drop table visits')
  } finally {
    await manager.close()
    await cluster?.stop()
  }
}

/** Takes every connection there is, and then one more. */
async function showExhaustion(manager: ReturnType<typeof createConnectionManager>): Promise<void> {
  // Each is given back at the end of the block, whatever happens.
  await using first = await manager.acquire()
  await using second = await manager.acquire()
  await using third = await manager.acquire({ label: 'nightly report' })
  const ids = [first, second, third].map((lease) => lease.connectionId)
  try {
    await manager.use((client) => client.query('select 1'))
  } catch (error) {
    console.log(
      `connections ${ids.join(', ')} are lent, so the next caller hears:\n  ${String(error)}`,
    )
  }
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
