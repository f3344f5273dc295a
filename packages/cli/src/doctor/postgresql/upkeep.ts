import { counted, percent } from '../../terminal/units.js'
import { findEndOfLife } from '../end-of-life.js'
import type { Finding } from '../finding.js'
import type { Plan } from '../plan.js'
import type { AgeFacts, PostgresFacts } from './facts.js'

/** Transactions after which the server stops taking writes. */
const WRAPAROUND = 2 ** 31
const OLD = 0.5
const VERY_OLD = 0.8
const NEARLY_USED_UP = 0.8

/** What has to be looked after, before it stops the server. */
export function findInUpkeep(facts: PostgresFacts, plan: Plan): Finding[] {
  return [
    ...findAge(facts.ages ?? []),
    ...findSequences(facts.sequences ?? []),
    ...findAutovacuum(facts),
    ...findVersion(facts, plan),
    ...findStatements(facts),
    ...findMissingRights(facts),
  ]
}

function findAge(ages: readonly AgeFacts[]): Finding[] {
  const old = ages
    .map((each) => ({ ...each, share: Math.max(each.transactions, each.multixacts) / WRAPAROUND }))
    .filter(({ share }) => share >= OLD)
  if (old.length === 0) return []
  const worst = Math.max(...old.map(({ share }) => share))
  return [
    {
      id: 'wraparound-near',
      severity: worst >= VERY_OLD ? 'critical' : 'warning',
      title: `Transaction numbers are used up to ${percent(worst)}: at the end of them the server takes no writes until it is vacuumed.`,
      evidence: old.map(
        ({ database, transactions, multixacts }) =>
          `database ${database}: ${transactions} transactions, ${multixacts} multixacts`,
      ),
      fix: 'Find what holds VACUUM up (long transactions, prepared transactions, slots of lost standbys), end it, and run vacuum freeze.',
    },
  ]
}

function findSequences(sequences: NonNullable<PostgresFacts['sequences']>): Finding[] {
  const full = sequences.filter(({ used }) => used >= NEARLY_USED_UP)
  if (full.length === 0) return []
  return [
    {
      id: 'sequence-nearly-used-up',
      severity: full.some(({ used }) => used >= 1) ? 'critical' : 'warning',
      title: `${counted(full.length, 'sequence')} will run out of numbers: inserts fail then.`,
      evidence: full.map(({ sequence, used }) => `${sequence}: ${percent(used)} used`),
      fix: 'Change the column, and what refers to it, to bigint: alter table … alter column … type bigint.',
    },
  ]
}

function findAutovacuum({ settings }: PostgresFacts): Finding[] {
  if (settings.get('autovacuum') !== 'off') return []
  return [
    {
      id: 'autovacuum-off',
      severity: 'warning',
      title:
        'autovacuum is off: tables and indexes grow, plans get worse, and transaction numbers run out.',
      evidence: ['autovacuum = off'],
      fix: 'Set autovacuum = on.',
    },
  ]
}

function findVersion({ version }: PostgresFacts, plan: Plan): Finding[] {
  if (version === undefined) return []
  const { number } = version
  const series =
    number >= 100_000
      ? String(Math.floor(number / 10_000))
      : `${Math.floor(number / 10_000)}.${Math.floor(number / 100) % 100}`
  return findEndOfLife('PostgreSQL', series, plan.now)
}

function findStatements({ statementsExtension }: PostgresFacts): Finding[] {
  if (statementsExtension === undefined || statementsExtension === 'created') return []
  return [
    {
      id: 'statements-not-counted',
      severity: 'advice',
      title:
        'pg_stat_statements is not installed in this database: the server does not count what statements cost it.',
      evidence: [
        statementsExtension === 'available'
          ? 'the extension is available and not created'
          : 'the server does not have the extension',
      ],
      fix: 'Add it to shared_preload_libraries, restart, and run create extension pg_stat_statements.',
    },
  ]
}

function findMissingRights({ login, role }: PostgresFacts): Finding[] {
  if (role === undefined || role.missing.length === 0) return []
  return [
    {
      id: 'rights-missing',
      severity: 'warning',
      title: `Role ${login?.user ?? ''} lacks rights that failover needs.`,
      evidence: role.missing.map(({ name, turnsOff }) => `${name}: ${turnsOff}`),
      fix: `Grant them: grant execute on function … to ${login?.user ?? 'the role'}.`,
    },
  ]
}
