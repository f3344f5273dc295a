import {
  FakeClock,
  type FakeConnection,
  FakeDriver,
  FakeError,
  fakeEndpoint,
} from '@connmgr/testing'
import { close, type Harness, manage } from '../../test/harness.js'
import type { Driver } from '../driver/contract.js'
import { ConnectionManager } from '../manager.js'
import {
  CommitOutcomeUnknownError,
  ConnectionLostError,
  TransactionRolledBackError,
} from '../statement-errors.js'
import { failedCommit } from './transaction.js'

const error = new Error('cut')

describe('a COMMIT that failed', () => {
  test.each(['lost', 'shutdown', 'unreachable', 'starting', 'busy', 'setup'] as const)(
    'by %s proves nothing',
    (kind) => {
      expect(failedCommit(error, kind, 'clean')).toMatchObject({
        code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
        cause: error,
      })
    },
  )

  test.each(['serialization', 'read-only', 'statement'] as const)(
    'by %s was refused by a server that goes on with the session',
    (kind) => {
      expect(failedCommit(error, kind, 'clean')).toBe(error)
      expect(failedCommit(error, kind, 'busy')).toBe(error)
      expect(failedCommit(error, kind, 'broken')).toMatchObject({
        code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
      })
    },
  )

  test.each([
    new ConnectionLostError('not sent', undefined, { sent: false }),
    new CommitOutcomeUnknownError(undefined),
    new TransactionRolledBackError('rolled back'),
  ])('is what the driver says it is: $code', (said) => {
    expect(failedCommit(said, 'lost', 'broken')).toBe(said)
  })
})

describe('a transaction whose connection', () => {
  let h: Harness
  afterEach(() => close(h))

  test('is lost before COMMIT is sent tells why', async () => {
    h = manage()
    const reason = new FakeError('lost', 'cut')
    await expect(
      h.manager.transaction(async (connection) => connection.lose(reason)),
    ).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST', sent: false, cause: reason })
    expect(h.driver.count('commit')).toBe(0)
  })

  test('is lost in a statement fails by that', async () => {
    h = manage()
    h.driver.next('query', { fail: 'lost' })
    await expect(
      h.manager.transaction((connection) => connection.query('insert')),
    ).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST', cause: { kind: 'lost' } })
  })

  test('is lost while the work fails by itself fails by what the work says', async () => {
    h = manage()
    // As a request of another library would put it.
    const foreign = new FakeError('lost', 'socket hang up')
    await expect(
      h.manager.transaction(async (connection) => {
        connection.lose()
        throw foreign
      }),
    ).rejects.toBe(foreign)
  })

  test.each(['release', 'destroy', 'detach'] as const)(
    'is given up by %s() in the work is not committed',
    async (verb) => {
      h = manage()
      await expect(
        h.manager.transaction(async (_connection, lease) => {
          lease[verb]()
        }),
      ).rejects.toMatchObject({ code: 'CONNMGR_TRANSACTION_ROLLED_BACK' })
      expect(h.driver.count('commit')).toBe(0)
    },
  )

  test('is destroyed by the work, which then fails, fails by what the work says', async () => {
    h = manage()
    await expect(
      h.manager.transaction(async (_connection, lease) => {
        lease.destroy()
        throw new FakeError('lost', 'mine')
      }),
    ).rejects.toThrow('mine')
  })
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

test('a part that the work itself has committed, maybe, is not reported as undone', async () => {
  const h = manage()
  const unknown = new CommitOutcomeUnknownError(error, 'the work had sent a COMMIT of its own')
  Object.assign(h.driver.activity, { whyBroken: () => unknown })
  const swallowed = h.manager.transaction(async (connection) => {
    connection.lose()
  })
  await expect(swallowed).rejects.toBe(unknown)
  const thrown = h.manager.transaction(async (connection) => {
    connection.lose()
    throw unknown
  })
  await expect(thrown).rejects.toBe(unknown)
  await close(h)
})
