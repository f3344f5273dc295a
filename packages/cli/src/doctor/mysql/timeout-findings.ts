import { duration } from '../../terminal/units.js'
import type { Finding } from '../finding.js'
import type { MysqlFacts } from './facts.js'

/** What the server does not end by itself. */
export function findInTimeouts(facts: MysqlFacts): Finding[] {
  return [...findUnboundedStatements(facts), ...findEndlessTransactions(facts)]
}

function findUnboundedStatements({ product, variables }: MysqlFacts): Finding[] {
  const name = product === 'MariaDB' ? 'max_statement_time' : 'max_execution_time'
  if (Number(variables.get(name) ?? Number.NaN) !== 0) return []
  return [
    {
      id: 'statements-unbounded',
      severity: 'advice',
      title: 'No statement has a time limit: one that hangs holds its connection until it ends.',
      evidence: [`${name} = ${variables.get(name)}`],
      fix: `Bound reads of the application: set global ${name} = ${product === 'MariaDB' ? '30' : '30000'}.`,
    },
  ]
}

/** MariaDB alone has a limit for it; on MySQL, `wait_timeout` is what ends such a session. */
function findEndlessTransactions({ product, variables }: MysqlFacts): Finding[] {
  if (
    product !== 'MariaDB' ||
    Number(variables.get('idle_transaction_timeout') ?? Number.NaN) !== 0
  )
    return []
  const waitMs = Number(variables.get('wait_timeout')) * 1000
  return [
    {
      id: 'idle-in-transaction-unbounded',
      severity: 'advice',
      title: `A session that is idle in a transaction keeps its locks for ${Number.isNaN(waitMs) ? 'as long as it likes' : `up to ${duration(waitMs)}`}.`,
      evidence: [
        'idle_transaction_timeout = 0',
        ...(Number.isNaN(waitMs) ? [] : [`wait_timeout = ${duration(waitMs)}`]),
      ],
      fix: 'Bound it: set global idle_transaction_timeout = 60.',
    },
  ]
}
