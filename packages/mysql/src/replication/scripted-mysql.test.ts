import type { ProbeResult } from '@connmgr/core/driver'
import { type Answer, type ScriptedMysql, startScriptedMysql } from '../../test/scripted-mysql.js'
import { endpointFrom } from '../config/endpoint-config.js'
import { MysqlDriver } from '../driver.js'

const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562'

/** No lab has servers so old, nor one of Aurora, so these speak its protocol and answer as such a server does. */
describe('what servers answer that have not all variables, or others', () => {
  const driver = new MysqlDriver()
  let server: ScriptedMysql | undefined
  const variables = new Map<string, string>()
  let words: 'REPLICA' | 'SLAVE' = 'REPLICA'
  const context = () => ({ signal: new AbortController().signal, onSignal: () => {} })

  beforeEach(() => {
    variables.clear()
    words = 'REPLICA'
    for (const [name, value] of Object.entries({
      read_only: '0',
      super_read_only: '0',
      innodb_read_only: '0',
      init_connect: '',
      transaction_read_only: '0',
      server_uuid: UUID,
      gtid_executed: `${UUID}:1-7`,
    }))
      variables.set(name, value)
  })
  afterEach(() => server?.close())

  /** As a server does that has these variables and no others. */
  const answer = (sql: string): Answer => {
    const [, word] = /^SHOW (REPLICA|SLAVE) STATUS/.exec(sql) ?? []
    if (word !== undefined && word !== words)
      return { error: 1064, message: 'You have an error in your SQL syntax' }
    if (word !== undefined)
      return word === 'SLAVE' ? { Seconds_Behind_Master: '3' } : { Seconds_Behind_Source: '3' }
    if (!/^SELECT/i.test(sql)) return 'ok'
    const row: Record<string, string | null> = {}
    let index = 0
    for (const column of sql.slice('SELECT '.length).split(/,(?![^(]*\))/)) {
      const values: (string | null)[] = []
      for (const [, name = ''] of column.matchAll(/@@global\.(\w+)/g)) {
        if (!variables.has(name))
          return { error: 1193, message: `Unknown system variable '${name}'` }
        values.push(variables.get(name) ?? null)
      }
      index += 1
      if (/performance_schema/.test(column)) values.push('1700000000')
      if (/character_set_client/.test(column)) values.push('utf8mb4')
      if (/collation_connection/.test(column)) values.push('utf8mb4_0900_ai_ci')
      row[`c${index}`] =
        values.length > 1 ? (values.includes('1') ? '1' : '0') : (values[0] ?? null)
    }
    return row
  }
  const endpoint = () => endpointFrom('url', { uri: `mysql://app@127.0.0.1:${server?.port}/app` })
  const probe = async (version: string): Promise<ProbeResult> => {
    await server?.close()
    server = await startScriptedMysql(version, answer)
    const opened = await driver.replication.openProbe(endpoint(), context())
    try {
      return await opened.check(context().signal)
    } finally {
      opened.destroy()
    }
  }

  test('a reader of Aurora, which has innodb_read_only alone, is a standby that shows up to where it can be read', async () => {
    variables.set('innodb_read_only', '1')
    expect(await probe('8.0.39')).toMatchObject({
      role: 'standby',
      writable: false,
      details: { lagSeconds: 3 },
    })
    const connection = await driver.connect(endpoint(), context())
    expect(await driver.replication.readPlace(connection)).toMatchObject({
      position: `mysql ${UUID}:1-7`,
    })
    driver.destroy(connection)
  })

  test('a server before 8.0.22 is asked by the word that it knows, once it has refused the other', async () => {
    words = 'SLAVE'
    variables.set('read_only', '1')
    expect(await probe('5.7.44')).toMatchObject({ details: { lagSeconds: 3 }, roundTrips: 3 })
  })

  test('an old server is asked for less, and missing rights are reported', async () => {
    variables.delete('super_read_only')
    variables.delete('transaction_read_only')
    const result = await probe('5.6.51')
    expect(result).toMatchObject({ role: 'primary', server: UUID })
    expect(result.missing).toEqual([expect.objectContaining({ name: 'system variables' })])
    for (const name of ['innodb_read_only', 'server_uuid', 'gtid_executed']) variables.delete(name)
    expect(await probe('5.5.62')).toMatchObject({ role: 'primary' })
  })
})
