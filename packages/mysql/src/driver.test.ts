import {
  describeDriver,
  describeEachProduct,
  startFaultProxy,
  startSilentServer,
} from '@connmgr/testing'
import type { Connection } from 'mysql2'
import { endpointFrom } from './config/endpoint-config.js'
import { MysqlDriver } from './driver.js'

describeEachProduct('the driver for MySQL and MariaDB', ({ start }) => {
  describeDriver<Connection>('mysql', async () => {
    const cluster = await start()
    const { primary } = cluster
    await primary.query('create table rows_of_test (id int auto_increment primary key)')
    const proxy = await startFaultProxy({ target: primary })
    const silent = await startSilentServer()
    const through = (port: number, password = 'app-secret') =>
      endpointFrom('url', { uri: `mysql://app:${password}@127.0.0.1:${port}/app` })
    return {
      driver: new MysqlDriver(),
      endpoint: through(proxy.port),
      // A port of the system, which no other test can be given.
      refused: through(1),
      denied: through(proxy.port, 'wrong'),
      silent: { endpoint: through(silent.port), connections: () => silent.connections },
      statements: {
        read: 'select 1',
        readValue: 'select ?',
        slow: 'select sleep(0.5)',
        endless: 'select sleep(600)',
        wrong: 'select nonsense',
        insert: 'insert into rows_of_test values ()',
        set: "set time_zone = '+01:00'",
      },
      query: (connection, text, values) =>
        new Promise((resolve, reject) => {
          connection.query(text, values as unknown[], (error, rows) =>
            error ? reject(error) : resolve(rows),
          )
        }),
      countRows: async () =>
        Number(
          (await primary.query<{ n: number }>('select count(*) as n from rows_of_test'))[0]?.n,
        ),
      hasSetting: (connection) =>
        new Promise((resolve, reject) => {
          connection.query('select @@time_zone as zone', (error, rows) =>
            error ? reject(error) : resolve((rows as { zone: string }[])[0]?.zone === '+01:00'),
          )
        }),
      countSessions: async () => {
        const [row] = await primary.query<{ n: number }>(
          "select count(*) as n from information_schema.processlist where user = 'app'",
        )
        return Number(row?.n)
      },
      cut: () => proxy.reset(),
      close: async () => {
        await proxy.close()
        await silent.close()
        await cluster.stop()
      },
    }
  })
})
