import { runWithContext } from '@connmgr/core'
import { withConnectionManager } from '@connmgr/drizzle'
import { createConnectionManager, type PgConnectionManager } from '@connmgr/pg'
import { startCluster } from '@connmgr/testing'
import { createLogger } from '@connmgr/winston'
import { sql } from 'drizzle-orm'

const THRESHOLD_MS = 300

/** Returns early, and forgets what it took. */
async function findCustomer(manager: PgConnectionManager): Promise<() => void> {
  const client = await manager.pool.connect()
  await client.query('select $1::text as customer', ['a customer'])
  return () => client.release()
}

/** Waits, inside a transaction, for something that takes its time. */
async function chargeCustomer(manager: PgConnectionManager, payment: Promise<void>): Promise<void> {
  const db = withConnectionManager({}, manager)
  await db.transaction(async (tx) => {
    await tx.execute(sql`select 'charging'`)
    await payment
  })
}

async function main(): Promise<void> {
  const cluster = process.env.DATABASE_URL === undefined ? await startCluster() : undefined
  const databaseUrl = process.env.DATABASE_URL ?? cluster?.primary.url()
  try {
    await findLeaks(databaseUrl)
    await reclaimLeaks(databaseUrl)
  } finally {
    await cluster?.stop()
  }
}

async function findLeaks(databaseUrl: string | undefined): Promise<void> {
  const manager = createConnectionManager({
    databaseUrl,
    leakDetection: { thresholdMs: THRESHOLD_MS, captureStack: 'always' },
    // Logs each leak with its stack, once, and again when it comes back.
    logger: createLogger(),
  })
  const detected = countEvents(manager, 'leakDetected', 2)
  let pay = (): void => {}
  const payment = new Promise<void>((resolve) => {
    pay = resolve
  })
  const release = await runWithContext({ label: 'GET /customers/7' }, () => findCustomer(manager))
  const charging = chargeCustomer(manager, payment)
  await detected
  for (const leak of manager.detectLeaks()) {
    console.log(
      `leak: ${leak.checkedOutBy}, ${Math.round(leak.heldForMs)} ms, label ${leak.label ?? 'none'}`,
    )
    console.log(`  last of ${leak.queryCount} queries: ${leak.lastQuery}`)
  }
  const resolved = countEvents(manager, 'leakResolved', 2)
  release()
  pay()
  await charging
  await resolved
  console.log('statistics:', manager.getLeakStats(), 'holders:', manager.getHolders())
  await manager.close()
}

async function reclaimLeaks(databaseUrl: string | undefined): Promise<void> {
  const manager = createConnectionManager({
    databaseUrl,
    poolSize: 1,
    maxOverflow: 0,
    leakDetection: { thresholdMs: THRESHOLD_MS, captureStack: 'always', reclaim: true },
    logger: createLogger(),
  })
  await findCustomer(manager)
  // The only connection is leaked; it is destroyed, never lent on, and this caller gets a new one.
  const { rows } = await manager.pool.query('select 1 as served')
  console.log('reclaimed:', rows, manager.getPoolMetrics().leakedConnections, 'leak')
  await manager.close()
}

function countEvents(
  manager: PgConnectionManager,
  type: 'leakDetected' | 'leakResolved',
  wanted: number,
): Promise<void> {
  let seen = 0
  return new Promise((resolve) => {
    manager.on(type, () => {
      seen += 1
      if (seen === wanted) resolve()
    })
  })
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
