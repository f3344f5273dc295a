import { once } from 'node:events'
import type { EventOf } from '@connmgr/core'
import { eventually, type PostgresCluster, startCluster } from '@connmgr/testing'
import type { Client } from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { CopyIn } from '../test/copy-in.js'
import type { PgConnectionManager } from './connection-manager.js'
import { createConnectionManager } from './create-connection-manager.js'

const ROWS = 'select generate_series(1, 100000) as n'

let cluster: PostgresCluster
let manager: PgConnectionManager
let dirty: EventOf<'connectionDirty'>[]

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query('create table rows (n int)')
})
beforeEach(() => {
  // So long that a wait for it fails the test.
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 1,
    maxOverflow: 0,
    logger: false,
    resetTimeoutMs: 600_000,
  })
  dirty = []
  manager.on('connectionDirty', (event) => dirty.push(event))
})
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

const works = () =>
  manager.use(async (client) => {
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
const created = (): number => manager.getPoolMetrics().totalConnectionsCreated

/** The connection was given up at once, with a report, and the next borrower has another. */
async function gaveUp(): Promise<void> {
  await works()
  expect(dirty).toMatchObject([{ reason: 'busy', lease: { queryCount: expect.any(Number) } }])
  expect(created()).toBe(2)
  const { checkedIn, checkedOut, waiting } = manager.getPoolMetrics()
  expect({ checkedIn, checkedOut, waiting }).toEqual({ checkedIn: 1, checkedOut: 0, waiting: 0 })
}

async function keptIt(): Promise<void> {
  await works()
  expect(dirty).toEqual([])
  expect(created()).toBe(1)
}

describe('a cursor', () => {
  test('left open between two reads', async () => {
    const lease = await manager.acquire()
    const cursor = lease.connection.query(new Cursor(ROWS))
    expect(await cursor.read(2)).toHaveLength(2)
    lease.release()
    await expect(cursor.read(2)).rejects.toThrow(/Connection|connection/)
    await cursor.close()
    await gaveUp()
    await expect(cursor.read(1)).resolves.toEqual([])
  })

  test('left open in a transaction', async () => {
    await manager
      .transaction(async (client) => {
        await client.query('insert into rows values (1)')
        await client.query(new Cursor(ROWS)).read(2)
        throw new Error('no')
      })
      .catch(() => {})
    await works()
    expect(await cluster.primary.query('select * from rows')).toEqual([])
  })

  test('left open by work that is to be committed', async () => {
    const transaction = manager.transaction(async (client) => {
      await client.query('insert into rows values (1)')
      void client.query('select pg_sleep(0.05)')
      void client
        .query(new Cursor(ROWS))
        .read(2)
        .catch(() => {})
    })
    await expect(transaction).rejects.toMatchObject({ code: 'CONNMGR_TRANSACTION_ROLLED_BACK' })
    await works()
    expect(await cluster.primary.query('select * from rows')).toEqual([])
  })

  test('that was never read', async () => {
    const lease = await manager.acquire()
    lease.connection.query(new Cursor(ROWS))
    lease.release()
    await gaveUp()
  })

  test('whose read is under way', async () => {
    const lease = await manager.acquire()
    const reading = lease.connection.query(new Cursor('select pg_sleep(600)')).read(1)
    lease.release()
    await expect(reading).rejects.toThrow()
    await gaveUp()
  })

  test('that waits its turn behind another statement', async () => {
    const lease = await manager.acquire()
    const before = lease.connection.query('select pg_sleep(0.05)')
    const cursor = lease.connection.query(new Cursor(ROWS))
    const read = cursor.read(2)
    lease.release()
    await before
    await expect(read).rejects.toThrow()
    await gaveUp()
  })

  test('with statements behind it, which settle', async () => {
    const lease = await manager.acquire()
    const cursor = lease.connection.query(new Cursor(ROWS))
    await cursor.read(1)
    const behind = lease.connection.query('insert into rows values (2)')
    lease.release()
    await expect(behind).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST', sent: false })
    await gaveUp()
    expect(await cluster.primary.query('select * from rows')).toEqual([])
  })

  test('that has been read to its end, or closed, costs nothing', async () => {
    const lease = await manager.acquire()
    await lease.connection.query(new Cursor('select 1')).read(10)
    const cursor = lease.connection.query(new Cursor(ROWS))
    await cursor.read(1)
    void cursor.close()
    lease.release()
    await keptIt()
    await expect(cursor.read(1)).resolves.toEqual([])
  })

  test('that has failed closes at once', async () => {
    const lease = await manager.acquire()
    const cursor = lease.connection.query(new Cursor('select 1 / 0'))
    await expect(cursor.read(1)).rejects.toMatchObject({ code: '22012' })
    await lease.connection.query('select 1')
    await cursor.close()
    lease.release()
    await keptIt()
  })

  test('cannot end the connection of the next borrower', async () => {
    const misused = jest.fn()
    manager.on('leaseMisused', misused)
    const lease = await manager.acquire()
    const cursor = lease.connection.query(new Cursor('select 1 as kept'))
    await cursor.read(10)
    await cursor.close()
    lease.release()
    await manager.use(async (client) => {
      expect(() => (cursor as unknown as { end(cb: () => void): void }).end(() => {})).toThrow(
        expect.objectContaining({ code: 'CONNMGR_LEASE_RELEASED' }),
      )
      await client.query('select 1')
    })
    expect(misused).toHaveBeenCalledWith(expect.objectContaining({ query: 'select 1 as kept' }))
    await keptIt()
  })
})

describe('a stream', () => {
  const started = async (client: Client) => {
    const stream = client.query(new QueryStream(ROWS, [], { batchSize: 2 }))
    const rows = stream[Symbol.asyncIterator]()
    await rows.next()
    return { stream, rows }
  }

  test('whose reader has left', async () => {
    const lease = await manager.acquire()
    const { stream } = await started(lease.connection)
    lease.release()
    await gaveUp()
    stream.destroy()
    expect(stream.closed || (await once(stream, 'close'))).toBeTruthy()
  })

  test('that is read on after the release fails, and does not end short', async () => {
    const lease = await manager.acquire()
    const { stream, rows } = await started(lease.connection)
    lease.release()
    const readOn = async (): Promise<void> => {
      for (;;) if ((await rows.next()).done) return
    }
    await expect(readOn()).rejects.toThrow()
    expect(stream.closed || (await once(stream, 'close'))).toBeTruthy()
    await gaveUp()
  })

  test('that is left as a loop leaves it costs nothing', async () => {
    await manager.use(async (client) => {
      for await (const _row of client.query(new QueryStream(ROWS))) break
    })
    await keptIt()
  })
})

describe('a COPY', () => {
  test('to the server that gets no more data', async () => {
    const lease = await manager.acquire()
    const copy = lease.connection.query(new CopyIn() as never) as CopyIn
    const failed = once(copy, 'error')
    copy.write('1\n')
    await eventually(async () => {
      const [row] = await cluster.primary.query<{ n: number }>(
        "select count(*)::int as n from pg_stat_activity where query like 'copy rows%' and wait_event = 'ClientRead'",
      )
      return row?.n === 1
    })
    lease.release()
    await failed
    await gaveUp()
    expect(await cluster.primary.query('select * from rows')).toEqual([])
  })

  test('to the server that is released before it has begun', async () => {
    const lease = await manager.acquire()
    const copy = lease.connection.query(new CopyIn() as never) as CopyIn
    const failed = once(copy, 'error')
    lease.release()
    await failed
    await gaveUp()
  })

  test('to the server that ends by itself is waited for', async () => {
    const lease = await manager.acquire()
    const copy = lease.connection.query(new CopyIn() as never) as CopyIn
    copy.end('41\n42\n')
    lease.release()
    await once(copy, 'finish')
    await keptIt()
    expect(await cluster.primary.query('select * from rows order by n')).toEqual([
      { n: 41 },
      { n: 42 },
    ])
    await cluster.primary.query('truncate rows')
  })
})

describe('when the server ends the session between two reads,', () => {
  async function kill(client: Client): Promise<void> {
    const { processID } = client as unknown as { processID: number }
    const ended = new Promise<void>((resolve) => client.once('end', resolve))
    await cluster.primary.query(`select pg_terminate_backend(${processID})`)
    await ended
  }

  test('a cursor fails, and closes', async () => {
    const lease = await manager.acquire()
    const { connection: client } = lease
    client.on('error', () => {})
    const cursor = client.query(new Cursor(ROWS))
    await cursor.read(1)
    await kill(client)
    await expect(cursor.read(1)).rejects.toThrow()
    await cursor.close()
    lease.release()
    await works()
  })

  test('a cursor that is being closed closes', async () => {
    const lease = await manager.acquire()
    const { connection: client } = lease
    client.on('error', () => {})
    const cursor = client.query(new Cursor('select pg_sleep(600)'))
    const reading = cursor.read(1)
    const closing = cursor.close()
    await kill(client)
    await expect(reading).rejects.toThrow()
    await closing
    lease.release()
    await works()
  })

  test('a stream fails, and closes', async () => {
    const lease = await manager.acquire()
    const { connection: client } = lease
    client.on('error', () => {})
    const stream = client.query(new QueryStream(ROWS, [], { batchSize: 2 }))
    const rows = stream[Symbol.asyncIterator]()
    await rows.next()
    await kill(client)
    await expect(
      (async () => {
        for (;;) if ((await rows.next()).done) return
      })(),
    ).rejects.toThrow()
    expect(stream.closed || (await once(stream, 'close'))).toBeTruthy()
    lease.release()
    await works()
  })
})
