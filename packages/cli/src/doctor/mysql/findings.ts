import { counted } from '../../terminal/units.js'
import { findEndOfLife } from '../end-of-life.js'
import type { Finding } from '../finding.js'
import type { Plan } from '../plan.js'
import { findInConnections } from './connection-findings.js'
import type { MysqlFacts } from './facts.js'
import { findInRights } from './right-findings.js'
import { findInSessions } from './session-findings.js'
import { findInTimeouts } from './timeout-findings.js'

const MOST_NAMED = 10

/** The verdicts over a server of MySQL or MariaDB. */
export function findInMysql(facts: MysqlFacts, plan: Plan): Finding[] {
  return [
    ...findInConnections(facts, plan),
    ...findInSessions(facts, plan),
    ...findInReplication(facts),
    ...findInReadOnly(facts),
    ...findInDurability(facts),
    ...findInTables(facts),
    ...findInVersion(facts, plan),
    ...findInTimeouts(facts),
    ...findInRights(facts),
  ]
}

function findInReplication({ product, replica, variables }: MysqlFacts): Finding[] {
  const findings: Finding[] = []
  if (replica !== undefined && !replica.running)
    findings.push({
      id: 'replication-stopped',
      severity: 'critical',
      title:
        'This replica does not replicate: what it shows gets older, and a failover to it loses writes.',
      evidence: ['one of the threads that receive and apply does not run'],
      fix: 'See the last error in SHOW REPLICA STATUS, and run START REPLICA.',
    })
  const logs = isOn(variables.get('log_bin'))
  if (
    product === 'MySQL' &&
    logs &&
    variables.has('gtid_mode') &&
    !isOn(variables.get('gtid_mode'))
  )
    findings.push({
      id: 'gtid-off',
      severity: 'advice',
      title:
        'The server writes no GTIDs: what a replica has of the primary is unknown, and with it whether a failover loses writes.',
      evidence: [`gtid_mode = ${variables.get('gtid_mode')}`],
      fix: 'Switch gtid_mode and enforce_gtid_consistency on, step by step as the manual has it.',
    })
  if (product === 'MariaDB' && replica !== undefined && !isOn(variables.get('gtid_strict_mode')))
    findings.push({
      id: 'gtid-not-strict',
      severity: 'advice',
      title: 'The replica takes GTIDs out of order: a server that has diverged is not noticed.',
      evidence: [`gtid_strict_mode = ${variables.get('gtid_strict_mode')}`],
      fix: 'Set gtid_strict_mode = on, on all servers.',
    })
  return findings
}

/** What keeps writes off the servers that follow another. */
function findInReadOnly({ replica, user, variables, writesOnReplicas }: MysqlFacts): Finding[] {
  const evidence = ['read_only', 'super_read_only']
    .filter((name) => variables.has(name))
    .map((name) => `${name} = ${variables.get(name)}`)
  if (replica !== undefined && variables.has('read_only') && !isOn(variables.get('read_only')))
    return [
      {
        id: 'replica-takes-writes',
        severity: 'critical',
        title:
          'This server follows another, and takes writes itself: what is written here is missing there, and it looks like a primary.',
        evidence,
        fix: 'Set read_only = on, now and in its configuration, so that it is so after a restart too.',
      },
    ]
  if (!isOn(variables.get('read_only')) || isOn(variables.get('super_read_only'))) return []
  if (writesOnReplicas !== true) return []
  return [
    {
      id: 'account-writes-on-replicas',
      severity: 'warning',
      title: `Account ${user ?? ''} may write on servers that are read-only: a write that goes to a replica by mistake is no error there.`,
      evidence,
      fix: 'Give the application an account without SUPER, READ ONLY ADMIN (MySQL: CONNECTION_ADMIN) and ALL PRIVILEGES ON *.*; on MySQL, super_read_only = on stops such accounts too.',
    },
  ]
}

function findInDurability({ variables }: MysqlFacts): Finding[] {
  const findings: Finding[] = []
  const flush = variables.get('innodb_flush_log_at_trx_commit')
  if (flush !== undefined && flush !== '1')
    findings.push({
      id: 'commits-not-flushed',
      severity: 'warning',
      title:
        'Commits are acknowledged before they are on the disk: a crash of the machine loses the latest.',
      evidence: [`innodb_flush_log_at_trx_commit = ${flush}`],
      fix: 'Set innodb_flush_log_at_trx_commit = 1 for what must not be lost.',
    })
  return findings
}

function findInTables(facts: MysqlFacts): Finding[] {
  const { duplicateIndexes = [], tablesWithoutKey = [], tablesWithoutTransactions = [] } = facts
  const findings: Finding[] = []
  if (tablesWithoutTransactions.length > 0)
    findings.push({
      id: 'tables-without-transactions',
      severity: 'warning',
      title: `${counted(tablesWithoutTransactions.length, 'table')} cannot roll back: what a failed transaction has written there stays.`,
      evidence: tablesWithoutTransactions.slice(0, MOST_NAMED),
      fix: 'Change them: alter table … engine = InnoDB.',
    })
  if (tablesWithoutKey.length > 0)
    findings.push({
      id: 'tables-without-primary-key',
      severity: 'warning',
      title: `${counted(tablesWithoutKey.length, 'table has', 'tables have')} no primary key: replicas read the whole table for each row that changes.`,
      evidence: tablesWithoutKey.slice(0, MOST_NAMED),
      fix: 'Add one: alter table … add primary key (…).',
    })
  const [first] = duplicateIndexes
  if (first !== undefined)
    findings.push({
      id: 'duplicate-index',
      severity: 'warning',
      title: `${counted(duplicateIndexes.length, 'index has', 'indexes have')} the columns of another: every write pays for both.`,
      evidence: duplicateIndexes
        .slice(0, MOST_NAMED)
        .map(({ index, sameAs, table }) => `${index} on ${table} is the same as ${sameAs}`),
      fix: `Drop it: alter table ${first.table} drop index ${first.index}.`,
    })
  return findings
}

function findInVersion({ product, version = '' }: MysqlFacts, plan: Plan): Finding[] {
  const series = /^(\d+\.\d+)/.exec(version)?.[1]
  return series === undefined ? [] : findEndOfLife(product, series, plan.now)
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(on|1)$/i.test(value)
}
