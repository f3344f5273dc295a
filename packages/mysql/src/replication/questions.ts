import type { Flavour } from './history.js'

/** What a probe asks: each column by what it is called in the answer. */
export type Column =
  | 'readOnly'
  | 'innodbReadOnly'
  | 'transactionsReadOnly'
  | 'name'
  | 'serverId'
  | 'executed'
  | 'applied'
  | 'current'
  | 'startedAt'

/** From the most to the least that is asked: servers and versions differ in what they have. */
export const QUESTIONS: Readonly<Record<Flavour, readonly Partial<Record<Column, string>>[]>> = {
  mysql: [
    {
      readOnly: '@@global.read_only OR @@global.super_read_only',
      innodbReadOnly: '@@global.innodb_read_only',
      transactionsReadOnly: '@@global.transaction_read_only',
      name: '@@global.server_uuid',
      serverId: '@@global.server_uuid',
      executed: '@@global.gtid_executed',
      startedAt:
        "(SELECT UNIX_TIMESTAMP() - VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime')",
    },
    {
      readOnly: '@@global.read_only',
      innodbReadOnly: '@@global.innodb_read_only',
      name: '@@global.server_uuid',
      serverId: '@@global.server_uuid',
      executed: '@@global.gtid_executed',
    },
    { readOnly: '@@global.read_only' },
  ],
  mariadb: [
    {
      readOnly: '@@global.read_only',
      innodbReadOnly: '@@global.innodb_read_only',
      transactionsReadOnly: '@@global.tx_read_only',
      name: '@@global.server_uid',
      serverId: '@@global.server_id',
      executed: '@@global.gtid_binlog_state',
      applied: '@@global.gtid_slave_pos',
      current: '@@global.gtid_current_pos',
      startedAt:
        "(SELECT UNIX_TIMESTAMP() - CAST(VARIABLE_VALUE AS UNSIGNED) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME')",
    },
    {
      readOnly: '@@global.read_only',
      innodbReadOnly: '@@global.innodb_read_only',
      serverId: '@@global.server_id',
      executed: '@@global.gtid_binlog_state',
      applied: '@@global.gtid_slave_pos',
      current: '@@global.gtid_current_pos',
    },
    { readOnly: '@@global.read_only' },
  ],
}

export function textOfQuestion(columns: Partial<Record<Column, string>>): string {
  return `SELECT ${Object.values(columns).join(', ')}`
}

/** What names a server to itself. */
export const IDENTITY: Readonly<Record<Flavour, string>> = {
  mysql: '@@global.server_uuid',
  mariadb: '@@global.server_uid',
}

/** A variable, a table or a function that the server does not have, or does not show to the account. */
export const WITHHELD: ReadonlySet<unknown> = new Set([1109, 1142, 1146, 1193, 1227, 1305])
