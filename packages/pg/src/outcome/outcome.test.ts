import { eventually, type PostgresCluster, patient, startCluster } from '@connmgr/testing'
import type { Client, PoolClient, QueryConfig } from 'pg'
import pg from 'pg'
import Cursor from 'pg-cursor'
import type { PgConnectionManager } from '../connection-manager.js'
import { createConnectionManager } from '../create-connection-manager.js'
import type { PgManagerOptions } from '../manager-options.js'

const LOST = 'CONNMGR_CONNECTION_LOST'
const ROLLED_BACK = 'CONNMGR_TRANSACTION_ROLLED_BACK'
const REFUSED = { code: LOST, sent: false, deliberate: true }

let cluster: PostgresCluster
let manager: PgConnectionManager

beforeAll(async () => {
  cluster = await startCluster()
  await cluster.primary.query(`
    create table ledger (id int);
    create sequence attempts;
    create procedure write_then_conflict(id int) language plpgsql as $$
      begin
        insert into ledger values (id);
        commit;
        perform nextval('attempts');
        raise exception 'conflict' using errcode = '40001';
      end $$;
    create function conflict_once() returns int language plpgsql as $$
      begin
        if nextval('attempts') = 1 then raise exception 'conflict' using errcode = '40001'; end if;
        return 1;
      end $$`)
})
beforeEach(async () => {
  await cluster.primary.query('truncate ledger')
  await cluster.primary.query('alter sequence attempts restart')
})
afterEach(() => manager.close({ drainTimeoutMs: 0 }))
afterAll(() => cluster.stop())

function open(options: PgManagerOptions = {}): PgConnectionManager {
  manager = createConnectionManager({
    databaseUrl: cluster.primary.url(),
    poolSize: 2,
    maxOverflow: 0,
    logger: false,
    ...options,
  })
  return manager
}

const conflict = () => Object.assign(new Error('conflict of the work'), { code: '40001' })
const insert = (id: number) => `insert into ledger values (${id})`
const rows = async () =>
  (await cluster.primary.query<{ id: number }>('select id from ledger order by id')).map(
    ({ id }) => id,
  )

describe('a statement that commits before its end', () => {
  test.each([
    ['a procedure', 'call write_then_conflict(1)'],
    [
      'a DO block',
      `do $$ begin insert into ledger values (1); commit; perform nextval('attempts');
        raise exception 'conflict' using errcode = '40001'; end $$`,
    ],
    ['several statements', `${insert(1)}; commit; select conflict_once()`],
  ])('is not run again when it fails after that: %s', async (_what, text) => {
    open({ replayStatements: 'safe' })
    await expect(manager.pool.query(text)).rejects.toMatchObject({ code: '40001' })
    expect(await rows()).toEqual([1])
  })

  test('is not run again as a part of a unit of work either', async () => {
    open()
    const units = [
      (replay: 'safe') =>
        manager.use((client) => client.query('call write_then_conflict(1)'), { replay }),
      () => manager.replay(() => manager.pool.query('call write_then_conflict(2)')),
    ]
    for (const unit of units) await expect(unit('safe')).rejects.toMatchObject({ code: '40001' })
    expect(await rows()).toEqual([1, 2])
  })

  test('while one that is atomic is', async () => {
    open({ replayStatements: 'safe' })
    await manager.pool.query('insert into ledger select conflict_once()')
    expect(await rows()).toEqual([1])
    expect(manager.getReplayStats()).toMatchObject({ replays: 1 })
  })
})

describe('a write counts by the state in which it is sent', () => {
  const attemptsOf = async (
    work: (client: Client) => Promise<unknown>,
  ): Promise<{ attempts: number }> => {
    let attempts = 0
    await manager
      .use(
        async (client) => {
          attempts += 1
          await work(client)
          if (attempts === 1) throw conflict()
        },
        { replay: 'safe' },
      )
      .catch((error: Error) => expect(error.message).toBe('conflict of the work'))
    return { attempts }
  }

  test('behind a COMMIT in the same tick it stays', async () => {
    open()
    const { attempts } = await attemptsOf(async (client) => {
      await client.query('begin')
      await Promise.all([client.query('commit'), client.query(insert(1))])
    })
    expect(attempts).toBe(1)
    expect(await rows()).toEqual([1])
  })

  test('behind a BEGIN in the same tick it is rolled back with the rest', async () => {
    open()
    const { attempts } = await attemptsOf(async (client) => {
      await Promise.all([client.query('begin'), client.query(insert(1))])
      await client.query('rollback')
    })
    expect(attempts).toBe(2)
    expect(await rows()).toEqual([])
  })

  test('sent by something that was made outside of the work, it belongs to the work all the same', async () => {
    open()
    const jobs: (() => void)[] = []
    const flush = setInterval(() => {
      for (const job of jobs.splice(0)) job()
    }, 1)
    const { attempts } = await attemptsOf(
      (client) =>
        new Promise((resolve, reject) => {
          jobs.push(() => client.query(insert(1)).then(resolve, reject))
        }),
    )
    clearInterval(flush)
    expect(attempts).toBe(1)
    expect(await rows()).toEqual([1])
  })

  test('one whose row could not be read is there all the same', async () => {
    open()
    const { attempts } = await attemptsOf(async (client) => {
      const text = `${insert(1)} returning id`
      const types = { getTypeParser: () => unreadable } as never
      await expect(client.query({ text, types })).rejects.toThrow('unreadable')
    })
    expect(attempts).toBe(1)
    expect(await rows()).toEqual([1])
  })
})

const unreadable = () => {
  throw new Error('unreadable')
}

describe('after a statement in a transaction was given up on', () => {
  const SLOW = { text: 'select pg_sleep(0.3)', query_timeout: 30 } as QueryConfig

  test('COMMIT is not sent, though the server is long ready for it', async () => {
    open()
    const client = await manager.pool.connect()
    await client.query('begin')
    await client.query(insert(1))
    await expect(client.query(SLOW)).rejects.toMatchObject({ code: LOST, deliberate: true })
    await eventually(() => (client as unknown as { readyForQuery: boolean }).readyForQuery)
    await expect(client.query('commit')).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('given up on: Query read timeout'),
    })
    await expect(
      new Promise((_resolve, reject) => client.query('commit', (error) => reject(error))),
    ).rejects.toMatchObject(REFUSED)
    client.release()
    expect(await rows()).toEqual([])
    expect(manager.pool.totalCount).toBe(0)
  })

  test('neither is what had been queued behind it', async () => {
    open()
    const client = await manager.pool.connect()
    await client.query('begin')
    await client.query(insert(1))
    const slow = expect(client.query(SLOW)).rejects.toMatchObject({ code: LOST })
    const queued = expect(client.query('commit')).rejects.toMatchObject(REFUSED)
    await Promise.all([slow, queued])
    client.release()
    expect(await rows()).toEqual([])
  })

  test('the same holds for one that had not been sent yet', async () => {
    open()
    const client = await manager.pool.connect()
    await client.query('begin')
    const slow = client.query('select pg_sleep(0.3)')
    const late = { text: insert(1), query_timeout: 30 } as QueryConfig
    await expect(client.query(late)).rejects.toMatchObject({ code: LOST, sent: false })
    await slow
    await expect(client.query('commit')).rejects.toMatchObject(REFUSED)
    client.release()
  })

  test('ROLLBACK need not be sent: the connection goes, and the transaction with it', async () => {
    open()
    const client = await manager.pool.connect()
    await client.query('begin')
    await client.query(insert(1))
    await expect(client.query(SLOW)).rejects.toMatchObject({ code: LOST })
    expect(await client.query('rollback')).toMatchObject({ command: 'ROLLBACK', rows: [] })
    client.release()
    await eventually(() => manager.pool.totalCount === 0)
    expect(await rows()).toEqual([])
  })

  test('a transaction of the manager that ignores it fails, and is not run again', async () => {
    open()
    let attempts = 0
    const running = manager.transaction(
      async (client) => {
        attempts += 1
        await client.query(insert(1))
        await client.query(SLOW).catch(() => {})
      },
      { replay: 'safe' },
    )
    await expect(running).rejects.toMatchObject(REFUSED)
    expect(attempts).toBe(1)
    expect(await rows()).toEqual([])
  })

  test('a cursor that is given up on ends the use of its connection, too', async () => {
    open()
    const client = await manager.pool.connect()
    await client.query('begin')
    const cursor = Object.assign(new Cursor('select pg_sleep(0.2)'), { query_timeout: 30 })
    client.query(cursor).read(1, () => {})
    await eventually(() => client.query('select 1').then(() => false, isRefused))
    client.release()
  })
})

const isRefused = (error: { code?: string; deliberate?: boolean }): boolean =>
  error.code === LOST && error.deliberate === true

describe('COMMIT that commits nothing is an error', () => {
  const failing = async (client: Client | PoolClient): Promise<void> => {
    await client.query(insert(1))
    await client.query('select 1 / 0').catch(() => {})
  }

  test('of the manager, when the error of a statement was ignored', async () => {
    open()
    await expect(manager.transaction(failing)).rejects.toMatchObject({
      code: ROLLED_BACK,
      message: expect.stringContaining('one of its statements had failed'),
    })
  })

  test.each([
    ['ROLLBACK', ['rollback'], []],
    ['COMMIT', ['commit'], [1]],
    ['COMMIT AND CHAIN', ['commit and chain'], [1]],
    ['ROLLBACK AND CHAIN', ['rollback and chain'], []],
    ['PREPARE TRANSACTION, which the server has switched off', ["prepare transaction 'a'"], []],
    ['another transaction in its place', ['rollback', 'begin'], []],
    ['another transaction in its place, by one text', ['rollback; begin'], []],
    ['an ending behind a comment', ['/* done */ rollback'], []],
  ])('of the manager, when its work has ended the transaction: %s', async (_how, texts, there) => {
    open()
    const running = manager.transaction(async (client) => {
      await client.query(insert(1))
      for (const text of texts) await client.query(text).catch(() => {})
      await client.query(insert(2)).catch(() => {})
    })
    await expect(running).rejects.toMatchObject({ code: ROLLED_BACK })
    const found = await rows()
    expect(found.filter((id) => id === 1)).toEqual(there)
    expect(manager.getCounts().inUse).toBe(0)
  })

  test('but not after a return to a savepoint', async () => {
    open()
    await manager.transaction(async (client) => {
      await client.query(insert(1))
      await client.query('savepoint a')
      await client.query('select 1 / 0').catch(() => {})
      await client.query('rollback to savepoint a')
      await client.query('savepoint b; rollback work to b')
    })
    expect(await rows()).toEqual([1])
  })

  test('nor when statements are still under way as the work ends', async () => {
    open()
    await manager.transaction(async (client) => {
      void client.query(insert(1))
      void client.query(insert(2))
    })
    expect(await rows()).toEqual([1, 2])
    const running = manager.transaction(async (client) => {
      void client.query(insert(3))
      void client.query('rollback')
    })
    await expect(running).rejects.toMatchObject({ code: ROLLED_BACK })
    expect(await rows()).toEqual([1, 2])
  })

  test('of a client, by a promise, a callback and an event alike', async () => {
    open()
    const client = await manager.pool.connect()
    const byPromise = () => client.query('commit')
    const byCallback = () =>
      new Promise((resolve, reject) =>
        client.query('END', (error, result) => (error ? reject(error) : resolve(result))),
      )
    const byEvent = () =>
      new Promise((resolve, reject) => {
        const query = client.query(new pg.Query('commit work') as never) as unknown as Client
        query.on('error', reject)
        query.on('end', resolve as () => void)
      })
    const byNext = () => client.query('commit; select 1')
    for (const commit of [byPromise, byCallback, byEvent, byNext]) {
      await client.query('begin')
      await failing(client)
      await expect(commit()).rejects.toMatchObject({ code: ROLLED_BACK })
    }
    await client.query('begin')
    await client.query(insert(7))
    await client.query('commit')
    client.release()
    expect(await rows()).toEqual([7])
  })

  test('of a client whose transaction was rolled back before, while one that never had any is warned', async () => {
    open()
    const client = await manager.pool.connect()
    expect(await client.query('commit')).toMatchObject({ command: 'COMMIT' })
    await client.query('begin')
    await client.query(insert(1))
    await client.query('rollback')
    await expect(client.query('commit')).rejects.toMatchObject({ code: ROLLED_BACK })
    client.release()
    const next = await manager.pool.connect()
    expect(await next.query('commit')).toMatchObject({ command: 'COMMIT' })
    next.release()
  })

  test('a conflict that COMMIT finds is proof, and is run again', async () => {
    open()
    await cluster.primary.query(`
      create or replace function refuse_commit() returns trigger language plpgsql as $$
        begin perform conflict_once(); return null; end $$;
      create constraint trigger refuse_commit after insert on ledger deferrable initially deferred
        for each row execute function refuse_commit()`)
    await manager.transaction((client) => client.query(insert(1)), { replay: 'safe' })
    await cluster.primary.query('drop trigger refuse_commit on ledger')
    expect(await rows()).toEqual([1])
    expect(manager.getReplayStats()).toMatchObject({ replays: 1 })
  })
})

describe('an end on purpose fails as such, and not run again', () => {
  const deliberate = async (
    running: Promise<unknown>,
    expected: object = { deliberate: true },
  ): Promise<void> => {
    await expect(running).rejects.toMatchObject({ code: LOST, ...expected })
  }

  test('the idle limit of a transaction', async () => {
    open({ clientConfig: { idle_in_transaction_session_timeout: patient(200) } })
    const client = await manager.pool.connect()
    await client.query('begin')
    await client.query(insert(1))
    await eventually(() => manager.pool.totalCount === 0)
    await deliberate(client.query('commit'), { deliberate: true, sent: false })
    client.release()
  })

  test('our own limit of a statement, and whatever is sent after it', async () => {
    open({ queryTimeoutMs: 50 })
    const client = await manager.pool.connect()
    await client.query('begin')
    await deliberate(client.query('select pg_sleep(60)'))
    await deliberate(client.query('commit'), { deliberate: true, sent: false })
    client.release()
  })

  test('the end of a lease, with its reason', async () => {
    open()
    const lease = await manager.acquire()
    const { connection } = lease
    await connection.query('begin')
    const running = connection.query('select pg_sleep(60)')
    await new Promise<void>((resolve) => setImmediate(resolve))
    lease.destroy(new Error('enough'))
    await expect(running).rejects.toMatchObject({ code: LOST })
  })

  test('while the end of a backend is not', async () => {
    open()
    const client = await manager.pool.connect()
    await client.query('begin')
    const running = expect(client.query('select pg_sleep(60)')).rejects.toMatchObject({
      code: LOST,
      deliberate: false,
    })
    const { processID } = client as unknown as { processID: number }
    await cluster.primary.query('select pg_terminate_backend($1)', [processID])
    await running
    client.release()
  })
})

test('an error that borrows the SQLSTATE of a shutdown ends its statement alone', async () => {
  open()
  const client = await manager.pool.connect()
  const text = `do $$ begin raise exception 'mine' using errcode = '57P01'; end $$`
  await expect(client.query(text)).rejects.toMatchObject({ code: '57P01', message: 'mine' })
  expect((await client.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  client.release()
  expect(manager.pool.totalCount).toBe(1)
})

test('an error that says that the outcome is unknown is taken at its word, of what may write', async () => {
  open()
  const raise = `do $$ begin raise exception 'who knows' using errcode = '08007'; end $$`
  await expect(manager.pool.query(raise)).rejects.toMatchObject({
    code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN',
    cause: { code: '08007' },
  })
})
