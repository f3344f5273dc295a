import type { ProbeResult } from '@connmgr/core/driver'
import { type Answer, type ScriptedMysql, startScriptedMysql } from '../../test/scripted-mysql.js'
import { endpointFrom } from '../config/endpoint-config.js'
import { MysqlDriver } from '../driver.js'

const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562'

/** MySQL itself is not at hand: what only MySQL does is tested on servers that speak its protocol. */
describe('what a MySQL server answers about itself', () => {
  const driver = new MysqlDriver()
  let server: ScriptedMysql | undefined
  const variables = new Map<string, string | null>()
  const context = () => ({ signal: new AbortController().signal, onSignal: () => {} })

  beforeEach(() => {
    variables.clear()
    for (const [name, value] of Object.entries({
      read_only: '0',
      super_read_only: '0',
      innodb_read_only: '0',
      transaction_read_only: '0',
      server_uuid: UUID,
      gtid_executed: `${UUID}:1-7`,
    }))
      variables.set(name, value)
  })
  afterEach(() => server?.close())

  /** As a server does that has these variables and no others. */
  const answer = (sql: string): Answer => {
    if (/^SHOW REPLICA STATUS/i.test(sql)) return { Seconds_Behind_Source: '3' }
    if (/^SHOW SLAVE STATUS/i.test(sql))
      return { error: 1064, message: 'You have an error in your SQL syntax' }
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
      if (/count\(/i.test(column)) values.push('0')
      row[`c${index}`] =
        values.length > 1 ? (values.includes('1') ? '1' : '0') : (values[0] ?? null)
    }
    return row
  }
  const probe = async (version = '8.4.0'): Promise<ProbeResult> => {
    await server?.close()
    server = await startScriptedMysql(version, answer)
    const endpoint = endpointFrom('url', { uri: `mysql://app@127.0.0.1:${server.port}/app` })
    const opened = await driver.replication.openProbe(endpoint, context())
    try {
      return await opened.check(context().signal)
    } finally {
      opened.destroy()
    }
  }

  test('a server that takes writes is a primary, known by its UUID, and its history is its GTID set', async () => {
    expect(await probe()).toMatchObject({
      role: 'primary',
      writable: true,
      server: UUID,
      startedAt: '1700000000',
      history: `mysql ${UUID} ${UUID}:1-7`,
      position: `mysql ${UUID}:1-7`,
      details: { version: '8.4.0' },
    })
  })

  test.each(['read_only', 'super_read_only', 'innodb_read_only'])(
    '%s makes it a standby',
    async (name) => {
      variables.set(name, '1')
      expect(await probe()).toMatchObject({
        role: 'standby',
        writable: false,
        details: { lagSeconds: 3 },
      })
    },
  )

  test('transactions that only read by default make a primary that is not writable', async () => {
    variables.set('transaction_read_only', '1')
    expect(await probe()).toMatchObject({ role: 'primary', writable: false })
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

  test('what was written is a place in its GTID set; a server without GTIDs has none', async () => {
    server = await startScriptedMysql('8.4.0', answer)
    const endpoint = endpointFrom('url', { uri: `mysql://app@127.0.0.1:${server.port}/app` })
    const connection = await driver.connect(endpoint, context())
    expect(await driver.replication.writePlace(connection)).toMatchObject({
      position: `mysql ${UUID}:1-7`,
    })
    expect(await driver.replication.readPlace(connection)).toBeUndefined()
    variables.set('read_only', '1')
    expect(await driver.replication.readPlace(connection)).toMatchObject({
      position: `mysql ${UUID}:1-7`,
    })
    variables.set('gtid_executed', '')
    await expect(driver.replication.writePlace(connection)).rejects.toMatchObject({
      code: 'CONNMGR_UNSUPPORTED',
    })
    driver.destroy(connection)
  })
})
