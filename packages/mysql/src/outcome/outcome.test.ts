import {
  describeEachProduct,
  eventually,
  type FaultProxy,
  type MysqlCluster,
  Opened,
  startFaultProxy,
} from '@connmgr/testing'
import type { Connection, Pool } from 'mysql2'
import { ask, borrow } from '../../test/asking.js'
import { createConnectionManager, type MysqlConnectionManager } from '../index.js'

const LOST = { code: 'CONNMGR_CONNECTION_LOST' }
const UNKNOWN = { code: 'CONNMGR_COMMIT_OUTCOME_UNKNOWN' }
const ROLLED_BACK = { code: 'CONNMGR_TRANSACTION_ROLLED_BACK' }

describeEachProduct('what is said of a statement that has no answer', ({ start }) => {
  let cluster: MysqlCluster
  let proxy: FaultProxy
  const opened = new Opened()

  beforeAll(async () => {
    cluster = await start()
    await cluster.primary.query('create table rows_kept (n int primary key) engine=innodb')
    proxy = await startFaultProxy({ target: cluster.primary })
  })
  afterEach(async () => {
    await opened.close()
    await proxy.heal()
    await cluster.primary.query('delete from rows_kept')
  })
  afterAll(async () => {
    await proxy?.close()
    await cluster?.stop()
  })

  const open = (more: object = {}): MysqlConnectionManager => {
    const url = new URL(cluster.primary.url())
    url.port = String(proxy.port)
    return opened.add(
      createConnectionManager({
        databaseUrl: url.href,
        logger: false,
        healthMonitoring: false,
        ...more,
      }),
    )
  }
  /** Once it is known whether there are tables without transactions. */
  const openKnowing = async (): Promise<MysqlConnectionManager> => {
    const manager = open()
    await ask(manager.pool as unknown as Pool, 'select 1')
    await eventually(() => manager.driver.engines.of(manager.preferred.id).transactional)
    return manager
  }
  const count = async (): Promise<unknown> =>
    (await cluster.primary.query('select count(*) as n from rows_kept'))[0]?.n
  /** The answer to what is sent never comes, and then the connection is gone. */
  const loseAnswer = async (sending: () => Promise<unknown>): Promise<unknown> => {
    proxy.blackHole('to-client')
    const answer = sending().catch((error: unknown) => error)
    await eventually(async () => (await idleSince()) > 0)
    proxy.reset()
    return answer
  }
  const idleSince = async (): Promise<number> =>
    (
      await cluster.primary.query(
        "select 1 from information_schema.processlist where user = 'app' and command = 'Sleep'",
      )
    ).length

  test('a COMMIT whose answer was lost may have committed', async () => {
    const manager = open()
    const failure = await manager
      .transaction(async (connection) => {
        await ask(connection, 'insert into rows_kept values (1)')
        proxy.blackHole('to-client')
        void eventually(async () => (await count()) === 1).then(() => proxy.reset())
      })
      .catch((error: unknown) => error)
    expect(failure).toMatchObject(UNKNOWN)
    expect(await count()).toBe(1)
  })

  test('a write outside of a transaction may have been executed', async () => {
    const manager = open()
    const connection = await borrow(manager.pool as unknown as Pool)
    await ask(connection, 'select 1')
    expect(
      await loseAnswer(() => ask(connection, 'insert into rows_kept values (2)')),
    ).toMatchObject(UNKNOWN)
    expect(await count()).toBe(1)
  })

  test('a write within a transaction has committed nothing, and a read changes nothing', async () => {
    const manager = await openKnowing()
    const connection = await borrow(manager.pool as unknown as Pool)
    await ask(connection, 'begin')
    expect(
      await loseAnswer(() => ask(connection, 'insert into rows_kept values (3)')),
    ).toMatchObject({
      ...LOST,
      message: expect.stringContaining('nothing was committed'),
    })
    await proxy.heal()
    const reader = await borrow(manager.pool as unknown as Pool)
    await ask(reader, 'select 1')
    expect(await loseAnswer(() => ask(reader, 'select * from rows_kept'))).toMatchObject({
      ...LOST,
      message: expect.stringContaining('only reads'),
    })
    expect(await count()).toBe(0)
  })

  test('DDL within a transaction commits it, and that is reported', async () => {
    const manager = open()
    const connection = await borrow(manager.pool as unknown as Pool)
    await ask(connection, 'begin')
    await ask(connection, 'insert into rows_kept values (4)')
    expect(
      await loseAnswer(() => ask(connection, 'create table if not exists other (n int)')),
    ).toMatchObject(UNKNOWN)
    expect(await count()).toBe(1)
  })

  test('a transaction with DDL in it resolves: all of it is committed', async () => {
    const manager = open()
    await manager.transaction(async (connection) => {
      await ask(connection, 'insert into rows_kept values (5)')
      await ask(connection, 'create table if not exists another (n int)')
      await ask(connection, 'insert into rows_kept values (6)')
    })
    expect(await count()).toBe(2)
  })

  test('a transaction that is lost after DDL in it does not pass for undone', async () => {
    const manager = open()
    const failure = await manager
      .transaction(
        async (connection) => {
          await ask(connection, 'insert into rows_kept values (9)')
          await ask(connection, 'create table if not exists a_third (n int)')
          await cluster.primary.killConnections('app')
          await ask(connection, 'select 1')
        },
        { replay: 'safe' },
      )
      .catch((error: unknown) => error)
    expect(failure).toMatchObject(UNKNOWN)
    expect(await count()).toBe(1)
  })

  test('a transaction that its work has rolled back does not resolve', async () => {
    const manager = open()
    await expect(
      manager.transaction(async (connection) => {
        await ask(connection, 'insert into rows_kept values (7)')
        await ask(connection, 'rollback')
        await ask(connection, 'insert into rows_kept values (8)')
      }),
    ).rejects.toMatchObject(ROLLED_BACK)
  })

  test('a transaction that one of several statements in a text has rolled back does not resolve', async () => {
    const manager = open({ connectionConfig: { multipleStatements: true } })
    for (const text of ['rollback; select 1', 'rollback; begin'])
      await expect(
        manager.transaction(async (connection) => {
          await ask(connection, 'insert into rows_kept values (7)')
          await ask(connection, text)
        }),
      ).rejects.toMatchObject(ROLLED_BACK)
    expect(await count()).toBe(0)
  })

  test('of a transaction that a procedure has ended nobody knows whether it was committed', async () => {
    const manager = open()
    const failing = 'declare exit handler for sqlexception begin rollback; resignal; end;'
    const bodies = {
      undoes: 'rollback;',
      commits: 'insert into rows_kept values (8); commit;',
      fails: `${failing} insert into rows_kept values (1), (1);`,
      keeps: 'insert into rows_kept values (9);',
    }
    for (const [name, body] of Object.entries(bodies))
      await cluster.primary.query(`create procedure ${name}() begin ${body} end`)
    const calling = (name: string) =>
      manager.transaction(async (connection) => {
        await ask(connection, 'insert into rows_kept values (7)')
        await ask(connection, `call ${name}()`).catch((error: { errno?: number }) => {
          expect([name, error.errno]).toEqual(['fails', 1062])
        })
      })
    for (const [name, kept] of [
      ['undoes', 0],
      ['fails', 0],
      ['commits', 2],
    ] as const) {
      await expect(calling(name)).rejects.toMatchObject(UNKNOWN)
      expect([name, await count()]).toEqual([name, kept])
      await cluster.primary.query('delete from rows_kept')
    }
    await calling('keeps')
    expect(await count()).toBe(2)
  })

  describe('with two that wait for each other', () => {
    const deadlock = async (
      manager: MysqlConnectionManager,
      end: (loser: Connection) => Promise<unknown>,
    ): Promise<unknown> => {
      await cluster.primary.query('insert into rows_kept values (10), (20)')
      const pool = manager.pool as unknown as Pool
      const [one, other] = [await borrow(pool), await borrow(pool)]
      await ask(one, 'begin')
      await ask(other, 'begin')
      await ask(one, 'update rows_kept set n = 11 where n = 10')
      await ask(other, 'update rows_kept set n = 21 where n = 20')
      const failures: { connection: Connection; error: unknown }[] = []
      const note = (connection: Connection) => (error: unknown) =>
        void failures.push({ connection, error })
      await Promise.all([
        ask(one, 'update rows_kept set n = 12 where n = 20').catch(note(one)),
        ask(other, 'update rows_kept set n = 22 where n = 10').catch(note(other)),
      ])
      expect(failures).toEqual([
        expect.objectContaining({ error: expect.objectContaining({ errno: 1213 }) }),
      ])
      const [loser] = failures
      return end(loser?.connection as Connection)
    }

    test('the COMMIT of the one that was rolled back is refused', async () => {
      const outcome = await deadlock(open(), async (loser) => {
        await ask(loser, 'insert into rows_kept values (30)')
        return ask(loser, 'commit').catch((error: unknown) => error)
      })
      expect(outcome).toMatchObject(ROLLED_BACK)
    })

    test('it can begin anew', async () => {
      const outcome = await deadlock(open(), async (loser) => {
        await ask(loser, 'rollback')
        await ask(loser, 'begin')
        await ask(loser, 'insert into rows_kept values (31)')
        await ask(loser, 'commit')
        return 'committed'
      })
      expect(outcome).toBe('committed')
    })
  })

  test('a connection that was killed while it was idle is replaced without a word', async () => {
    const manager = open({ prePingBypassMs: 0 })
    expect(await ask(manager.pool as unknown as Pool, 'select 1 as one')).toEqual([{ one: 1 }])
    await cluster.primary.killConnections('app')
    expect(await ask(manager.pool as unknown as Pool, 'select 2 as two')).toEqual([{ two: 2 }])
  })

  test('a statement that only reads is run again when its connection is lost, if asked to', async () => {
    const manager = open()
    const sql = 'select sleep(1) as slept, 7 as seven'
    const answer = ask(manager.pool as unknown as Pool, { sql, replay: 'safe' } as never)
    await eventually(async () => {
      const rows = await cluster.primary.query(
        'select 1 from information_schema.processlist where info = ?',
        [sql],
      )
      return rows.length === 1
    })
    await cluster.primary.killConnections('app')
    expect(await answer).toEqual([{ slept: 0, seven: 7 }])
  })

  test('a transaction is run again after a lost connection, and not after a COMMIT without an answer', async () => {
    const manager = await openKnowing()
    let attempts = 0
    await manager.transaction(
      async (connection) => {
        attempts += 1
        await ask(connection, `insert into rows_kept values (${40 + attempts})`)
        if (attempts === 1) await cluster.primary.killConnections('app')
        await ask(connection, 'select 1')
      },
      { replay: 'safe' },
    )
    expect(attempts).toBe(2)
    expect(await count()).toBe(1)
    attempts = 0
    const failure = await manager
      .transaction(
        async (connection) => {
          attempts += 1
          await ask(connection, 'insert into rows_kept values (50)')
          proxy.blackHole('to-client')
          void eventually(async () => (await count()) === 2).then(() => proxy.reset())
        },
        { replay: 'safe' },
      )
      .catch((error: unknown) => error)
    expect(failure).toMatchObject(UNKNOWN)
    expect(attempts).toBe(1)
  })

  test('autocommit that a borrower has switched off is on for the next', async () => {
    const manager = open({ poolSize: 1, maxOverflow: 0, reset: 'none' })
    const connection = await borrow(manager.pool as unknown as Pool)
    await ask(connection, 'set autocommit = 0')
    await ask(connection, 'insert into rows_kept values (60)')
    connection.release()
    await ask(manager.pool as unknown as Pool, 'insert into rows_kept values (61)')
    expect(await cluster.primary.query('select n from rows_kept')).toEqual([{ n: 61 }])
  })

  test('a statement that makes a table of another engine leaves in doubt what is known, before and after', async () => {
    const manager = await openKnowing()
    const forget = jest.spyOn(manager.driver.engines, 'forget')
    const pool = manager.pool as unknown as Pool
    const making = ask(pool, 'create table made_since (n int) engine=myisam')
    expect(forget).toHaveBeenCalledTimes(1)
    await making
    await eventually(() => forget.mock.calls.length === 2)
    await ask(pool, 'drop table made_since')
    expect(forget).toHaveBeenCalledTimes(2)
  })

  describe('in a database with a table that takes no part in transactions', () => {
    beforeAll(() => cluster.primary.query('create table kept_anyway (n int) engine=myisam'))
    afterAll(() => cluster.primary.query('drop table kept_anyway'))

    test('a connection that is lost before COMMIT proves nothing', async () => {
      const manager = open()
      const connection = await borrow(manager.pool as unknown as Pool)
      await ask(connection, 'begin')
      expect(
        await loseAnswer(() => ask(connection, 'insert into kept_anyway values (1)')),
      ).toMatchObject(UNKNOWN)
      expect(await cluster.primary.query('select n from kept_anyway')).toEqual([{ n: 1 }])
    })
  })
})

describeEachProduct('a COMMIT after a time limit on a lock', ({ start }) => {
  test.each([
    ['refused where that rolls back the transaction', 'ON', ROLLED_BACK, 0],
    ['done where it rolls back the statement alone', 'OFF', undefined, 1],
  ])('is %s', async (_name, setting, refusal, kept) => {
    await using cluster = await start({
      settings: { 'innodb-rollback-on-timeout': setting, 'innodb-lock-wait-timeout': '1' },
    })
    await cluster.primary.query('create table rows_kept (n int primary key) engine=innodb')
    await cluster.primary.query('insert into rows_kept values (1)')
    const manager = createConnectionManager({ databaseUrl: cluster.primary.url(), logger: false })
    const pool = manager.pool as unknown as Pool
    const [one, other] = [await borrow(pool), await borrow(pool)]
    await ask(one, 'begin')
    await ask(one, 'update rows_kept set n = 2 where n = 1')
    await ask(other, 'begin')
    await ask(other, 'insert into rows_kept values (10)')
    await expect(ask(other, 'update rows_kept set n = 3 where n = 1')).rejects.toMatchObject({
      errno: 1205,
    })
    const commit = await ask(other, 'commit').then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refusal === undefined) expect(commit).toBeUndefined()
    else expect(commit).toMatchObject(refusal)
    one.release()
    other.release()
    expect(await cluster.primary.query('select count(*) as n from rows_kept where n = 10')).toEqual(
      [{ n: kept }],
    )
    await manager.close({ drainTimeoutMs: 0 })
  })
})
