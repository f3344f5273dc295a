import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import type { Driver } from './driver.js'
import { ConnectionManager } from './manager.js'
import { failedCommit } from './transaction.js'

const error = new Error('cut')

test.each(['lost', 'shutdown', 'unreachable'] as const)(
  'nobody knows the outcome of a COMMIT that met %s',
  (kind) => {
    expect(failedCommit(error, kind)).toMatchObject({
      code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
      cause: error,
    })
  },
)

test('a COMMIT that was not sent committed nothing', () => {
  expect(failedCommit(error, 'not-sent')).toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
})

test('any other failure of a COMMIT is the answer of the server', () => {
  expect(failedCommit(error, 'serialization')).toBe(error)
})

test('a driver with only what it must have lends connections, and refuses transactions', async () => {
  const clock = new FakeClock()
  const fake = new FakeDriver({ clock })
  const driver: Driver<FakeConnection> = {
    name: 'plain',
    connect: (endpoint, context) => fake.connect(endpoint, context),
    validate: (connection) => fake.validate(connection),
    inspect: (connection) => fake.inspect(connection),
    close: (connection) => fake.close(connection),
    destroy: (connection) => fake.destroy(connection),
    classify: (thrown) => fake.classify(thrown),
  }
  for (const poolMode of ['pooled', 'static'] as const) {
    const manager = new ConnectionManager<FakeConnection>({
      driver,
      endpoints: [fakeEndpoint('a')],
      options: { clock, logger: false, healthMonitoring: false, poolMode },
    })
    await manager.use(() => {
      expect(manager.getHolders()).toMatchObject([{ queryCount: 0, lastQuery: undefined }])
    })
    await expect(manager.transaction(async () => {})).rejects.toMatchObject({
      code: 'CONNMGR_UNSUPPORTED',
      message: expect.stringContaining('plain'),
    })
    expect(manager.getCounts().inUse).toBe(0)
    await manager.close()
  }
})
