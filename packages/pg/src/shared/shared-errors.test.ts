import type { EventEmitter } from 'node:events'
import { eventually } from '@connmgr/testing'
import { atRest, LedgerPools } from '../../test/ledger-pools.js'
import type { ManagedPool } from '../managed-pool.js'
import type { ManagedPoolConfig } from '../pool-config.js'

/** Between an error of the server and its word that it is ready. */
const LATE_MS = 5

let pools: LedgerPools
let pool: ManagedPool

beforeAll(async () => {
  pools = await LedgerPools.start()
})
afterAll(() => pools.cluster.stop())
afterEach(() => pools.clear())

function open(config: ManagedPoolConfig = {}): ManagedPool {
  pool = pools.open(config)
  return pool
}

describe('an error', () => {
  test('of SQL affects its own query alone, and leads to its caller', async () => {
    open({ max: 1 })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 90 }, (_each, n) =>
        pool.query(n % 3 === 0 ? 'select 1 / ($1::int - $1)' : 'select $1::int as n', [n]),
      ),
    )
    outcomes.forEach((outcome, n) => {
      if (n % 3 === 0) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: '22012' } })
      } else expect(outcome).toMatchObject({ value: { rows: [{ n }] } })
    })
    const failed = async function whoAsked(): Promise<unknown> {
      const { rows } = await pool.query('select nonsense')
      return rows
    }
    await expect(failed()).rejects.toMatchObject({ stack: expect.stringContaining('whoAsked') })
  })

  test('leaves no listener behind on a connection that is ready again later', async () => {
    open({ max: 1 })
    let connection: EventEmitter | undefined
    let client: EventEmitter | undefined
    pool.on('connect', (opened) => {
      client = opened
      connection = (opened as unknown as { connection: EventEmitter }).connection
      const { emit } = connection
      connection.emit = (event, ...given) => {
        if (event !== 'readyForQuery') return emit.call(connection, event, ...given)
        setTimeout(() => emit.call(connection, event, ...given), LATE_MS)
        return true
      }
    })
    const fail = async () => {
      await expect(pool.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' })
      // What was answered next would overtake the word that it is ready.
      await eventually(() => pool.idleCount === 1)
    }
    await fail()
    const before = client?.listenerCount('end')
    for (let n = 0; n < 5; n += 1) await fail()
    expect(client?.listenerCount('end')).toBe(before)
  })

  test('of a constraint undoes its own statement alone: each is a transaction of its own', async () => {
    open({ max: 1 })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_each, n) =>
        pool.query('insert into ledger (id) values ($1)', [n >> 1]),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(30)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: '23505' })
    }
    const rows = await pools.cluster.primary.query<{ n: number; transactions: number }>(
      'select count(*)::int as n, count(distinct xid)::int as transactions from ledger',
    )
    expect(rows).toEqual([{ n: 30, transactions: 30 }])
  })

  test('of values that cannot be sent affects its own query alone', async () => {
    open({ max: 1 })
    const unfit = {
      toPostgres() {
        throw new Error('not to be sent')
      },
    }
    const named = { name: 'unfit', text: 'select $1::text as n' }
    const outcomes = await Promise.allSettled([
      pool.query('select 1 as n'),
      pool.query({ ...named, values: [unfit] }),
      pool.query({ ...named, values: ['2'] }),
      pool.query('select $1::int as n', 3 as unknown as unknown[]),
      pool.query('select 4 as n'),
    ])
    expect(outcomes).toMatchObject([
      { value: { rows: [{ n: 1 }] } },
      { reason: { message: 'not to be sent' } },
      { value: { rows: [{ n: '2' }] } },
      { reason: { message: expect.stringContaining('must be an array') } },
      { value: { rows: [{ n: 4 }] } },
    ])
    await atRest(pool)
    expect((await pool.query({ ...named, values: ['5'] })).rows).toEqual([{ n: '5' }])
  })

  test('of what reads the rows affects its own query alone', async () => {
    const types = {
      getTypeParser: (oid: number) => (text: string) => {
        if (oid === 25) throw new Error('unreadable')
        return text
      },
    }
    open({ max: 1, types: types as never })
    const outcomes = await Promise.allSettled([
      pool.query('select 1 as n'),
      pool.query("select 'a'::text as n"),
      pool.query('select 3 as n'),
    ])
    expect(outcomes).toMatchObject([
      { value: { rows: [{ n: '1' }] } },
      { reason: { message: 'unreadable' } },
      { value: { rows: [{ n: '3' }] } },
    ])
  })

  test('of one named statement is not taken over by others of its name', async () => {
    open({ max: 1 })
    const named = { name: 'same', text: 'select 1 / $1::int as n' }
    const outcomes = await Promise.allSettled([
      pool.query({ name: 'other', text: 'select nonsense', values: [] }),
      pool.query({ name: 'other', text: 'select nonsense', values: [] }),
      pool.query({ ...named, values: [0] }),
      pool.query({ ...named, values: [1] }),
      pool.query({ name: 'same', text: 'select 2 as n', values: [] }),
    ])
    expect(outcomes).toMatchObject([
      { reason: { code: '42703' } },
      { reason: { code: '42703' } },
      { reason: { code: '22012' } },
      { value: { rows: [{ n: 1 }] } },
      { reason: { message: expect.stringContaining('must be unique') } },
    ])
  })
})
