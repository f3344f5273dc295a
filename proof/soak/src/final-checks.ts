import { messageOf } from '@connmgr/core/driver'
import type { PgConnectionManager } from '@connmgr/pg'
import { eventually, type PostgresNode } from '@connmgr/testing'
import type { ClientWatch } from './client-watch.js'
import { codeOf } from './operation.js'
import { type Check, none } from './result.js'
import { APPLICATION_NAME, MAX_OVERFLOW, POOL_SIZE } from './settings.js'

const LIMIT = POOL_SIZE + MAX_OVERFLOW
const SLOT_TIMEOUT_MS = 10_000
/** One caller too many waits this long for a connection that must not come. */
const TOO_MANY_TIMEOUT_MS = 200

/** What must hold of a manager that is no longer used, and that is back at its first size. */
export async function checkAtRest(
  manager: PgConnectionManager,
  server: PostgresNode,
  detached: number,
  clients: ClientWatch,
): Promise<Check[]> {
  return [
    await checkCounts('counts back', manager, detached),
    ...(await checkSlots(manager, server)),
    await checkCounts('counts back again', manager, detached),
    await checkSoon('no client kept in memory', async () => {
      const { total } = manager.getCounts()
      const alive = clients.alive()
      return alive <= total ? undefined : `${alive} clients for ${total} connections`
    }),
    none('leaks still reported', manager.getLeakStats().active + manager.detectLeaks().length),
  ]
}

/** What must hold of a manager that has been closed. */
export async function checkClosed(
  manager: PgConnectionManager,
  server: PostgresNode,
): Promise<Check[]> {
  const { total, connecting, waiting } = manager.getCounts()
  return [
    none('connections counted after close', total + connecting + waiting),
    await checkSoon('server connections back to the base', async () => {
      const [row] = await server.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
          where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      )
      return row?.count === 0 ? undefined : `${row?.count} connections are left`
    }),
  ]
}

/** All slots can be taken at the same time, and not one more. */
async function checkSlots(manager: PgConnectionManager, server: PostgresNode): Promise<Check[]> {
  const acquires = await Promise.allSettled(
    Array.from({ length: LIMIT }, () => manager.acquire({ timeoutMs: SLOT_TIMEOUT_MS })),
  )
  const leases = acquires.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const tooMany = await manager.acquire({ timeoutMs: TOO_MANY_TIMEOUT_MS }).catch(codeOf)
  const connections = await checkSoon('the server sees the same connections', async () => {
    const [row] = await server.query<{ count: number }>(
      'select count(*)::int as count from pg_stat_activity where application_name = $1',
      [APPLICATION_NAME],
    )
    const { total } = manager.getCounts()
    return row?.count === total ? undefined : `the server sees ${row?.count}, we count ${total}`
  })
  for (const lease of leases) lease.release()
  if (typeof tooMany === 'object') tooMany.release()
  return [
    none('slots lost', LIMIT - leases.length),
    {
      name: 'no slot above the limit',
      ok: tooMany === 'CONNMGR_ACQUIRE_TIMEOUT',
      found: typeof tooMany === 'object' ? 'one more was lent' : String(tooMany),
    },
    connections,
  ]
}

function checkCounts(name: string, manager: PgConnectionManager, detached: number): Promise<Check> {
  return checkSoon(name, async () => {
    const { total, idle, inUse, connecting, waiting, overflow } = manager.getCounts()
    const { totalConnectionsCreated, totalConnectionsClosed } = manager.getPoolMetrics()
    const alive = totalConnectionsCreated - totalConnectionsClosed - detached
    const right =
      inUse === 0 &&
      connecting === 0 &&
      waiting === 0 &&
      overflow === 0 &&
      idle === total &&
      alive === total
    return right
      ? undefined
      : `${total} open (${alive} by the totals), ${idle} idle, ${inUse} in use, ` +
          `${connecting} connecting, ${waiting} waiting, ${overflow} overflow`
  })
}

/** Passes as soon as nothing is wrong any more; `problem` says what is. */
async function checkSoon(name: string, problem: () => Promise<string | undefined>): Promise<Check> {
  let found: string | undefined
  try {
    await eventually(
      async () => {
        found = await problem()
        return found === undefined
      },
      () => String(found),
    )
    return { name, ok: true, found: 'yes' }
  } catch (error) {
    return { name, ok: false, found: messageOf(error) }
  }
}
