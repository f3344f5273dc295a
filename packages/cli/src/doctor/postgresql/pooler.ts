import { randomBytes } from 'node:crypto'
import { systemClock } from '@connmgr/core/driver'
import type { Opened, OpenedPostgresql } from '../../databases/opened.js'
import { numberIn, textIn } from '../columns.js'
import type { PoolerFacts } from './facts.js'
import { QUESTIONS } from './questions.js'

/** For how long a second session is waited for. */
const PATIENCE_MS = 2000
const FIND_PREPARED =
  "select name from pg_catalog.pg_prepared_statements where statement like '%connmgr doctor looks for a pooler%' order by prepare_time desc limit 1"

/**
 * Finds out whether a pooler stands between, and how it pools: by the process id that the server has for the session, by what
 * becomes of that when a second session takes its place, and by asking PgBouncer itself where it lets the role do so.
 */
export async function readPooler(opened: OpenedPostgresql): Promise<PoolerFacts> {
  const pid = await backendOf(opened)
  if (opened.processId === pid) return { kind: 'none' }
  const asked = await askPgBouncer(opened)
  const mode = asked?.mode ?? (await observeMode(opened))
  const tracksPrepared = await tracks(opened, mode)
  return {
    kind: asked === undefined ? 'some' : 'pgbouncer',
    ...asked,
    ...(mode === undefined ? {} : { mode }),
    ...(tracksPrepared === undefined ? {} : { tracksPrepared }),
  }
}

async function backendOf({ query }: Opened): Promise<number | undefined> {
  const [row] = await query(QUESTIONS.backend)
  return numberIn(row, 'pid')
}

/** Its console answers those alone that it has in admin_users or stats_users. */
async function askPgBouncer(opened: OpenedPostgresql): Promise<Partial<PoolerFacts> | undefined> {
  let admin: Opened | undefined
  try {
    admin = await opened.another('pgbouncer')
    return await readConsole(admin)
  } catch {
    // It refuses the role, or is no PgBouncer: then its behaviour alone is seen.
    return undefined
  } finally {
    admin?.destroy()
  }
}

async function readConsole({ query }: Opened): Promise<Partial<PoolerFacts>> {
  const config = new Map(
    (await query('SHOW CONFIG')).map((row) => [textIn(row, 'key'), textIn(row, 'value')]),
  )
  const [version] = await query('SHOW VERSION')
  const mode = modeNamed(config.get('pool_mode'))
  return {
    version: textIn(version, 'version'),
    ...(mode === undefined ? {} : { mode }),
    poolSize: Number(config.get('default_pool_size')),
    maxClients: Number(config.get('max_client_conn')),
  }
}

function modeNamed(name: string | undefined): PoolerFacts['mode'] {
  return name === 'session' || name === 'transaction' || name === 'statement' ? name : undefined
}

/**
 * While one session is in a transaction, another that has none gets a different server process, unless it keeps its own. A pool
 * that has no room for the second session tells nothing.
 */
async function observeMode(opened: OpenedPostgresql): Promise<PoolerFacts['mode']> {
  const before = await backendOf(opened)
  const other = await opened.another()
  let late = false
  const timer = systemClock.setTimeout(() => {
    late = true
    other.destroy()
  }, PATIENCE_MS)
  try {
    await other.query('begin')
    const taken = await backendOf(other)
    if (taken !== before) return undefined
    return (await backendOf(opened)) === before ? undefined : 'transaction'
  } catch (error) {
    if (late) return undefined
    if (/statement pooling/i.test(String((error as Error).message))) return 'statement'
    throw error
  } finally {
    systemClock.clearTimeout(timer)
    // Ends the transaction with it.
    other.destroy()
  }
}

/**
 * A statement that a client prepares has another name on the server where a pooler keeps track of it. In a transaction, so that
 * it can be taken back.
 */
async function tracks(
  opened: OpenedPostgresql,
  mode: PoolerFacts['mode'],
): Promise<boolean | undefined> {
  if (mode !== 'transaction') return undefined
  const name = `connmgr_cli_${randomBytes(6).toString('hex')}`
  await opened.query('begin')
  try {
    const [row] = await opened.queryPrepared(name, FIND_PREPARED)
    const found = textIn(row, 'name')
    if (found === name) await opened.query(`deallocate ${name}`)
    return found === '' ? undefined : found !== name
  } finally {
    await opened.query('rollback')
  }
}
