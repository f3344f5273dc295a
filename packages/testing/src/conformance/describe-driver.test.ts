import type { FakeConnection } from '../fake/fake-connection.js'
import { FakeDriver } from '../fake/fake-driver.js'
import { fakeEndpoint } from '../fake/fake-endpoint.js'
import { describeDriver } from './describe-driver.js'
import type { DriverHarness } from './harness.js'

describeDriver('fake', async (): Promise<DriverHarness<FakeConnection>> => {
  const driver = new FakeDriver()
  const endpoint = fakeEndpoint('primary')
  const silent = fakeEndpoint('silent')
  driver.server('refused').state = 'down'
  driver.server('denied').state = 'denied'
  // It counts probes under way as well, which the driver does not.
  let opening = 0
  driver.server(silent).hang()
  driver.always('query', ({ detail }) => {
    if (detail === 'slow') return { afterMs: 50 }
    if (detail === 'endless') return 'hang'
    return detail === 'wrong' ? { fail: 'statement' } : 'succeed'
  })
  const { openProbe } = driver
  driver.openProbe = (to, context) => {
    opening += 1
    return openProbe.call(driver, to, context).finally(() => {
      opening -= 1
    })
  }
  return {
    driver,
    endpoint,
    refused: fakeEndpoint('refused'),
    denied: fakeEndpoint('denied'),
    silent: { endpoint: silent, connections: () => driver.connecting + opening },
    statements: {
      read: 'select 1',
      readValue: 'select $1',
      slow: 'slow',
      endless: 'endless',
      wrong: 'wrong',
      insert: 'insert into rows',
      set: 'set colour to red',
    },
    query: (connection, text) => connection.query(text),
    countRows: async () => driver.server(endpoint).rows,
    hasSetting: async (connection) => connection.session.has('colour'),
    countSessions: async () => driver.open.length,
    cut: (connection) => connection.lose(),
    close: async () => {
      expect(driver.open).toEqual([])
    },
  }
})
