import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import type { ConnmgrEvent } from '@connmgr/core'
import { eventually, FakeClock, Opened, patient } from '@connmgr/testing'
import { Files } from '../test/files.js'
import { INSTALLED } from '../test/libraries.js'
import { OtherProcess } from '../test/other-process.js'
import { createConnectionManager } from './create-connection-manager.js'
import type { SqliteManagerOptions } from './options.js'

const files = new Files()
const opened = new Opened()
let other: OtherProcess | undefined
afterEach(async () => {
  await other?.stop()
  other = undefined
  await opened.close()
})
afterAll(() => files.remove())

describe.each(INSTALLED)('a manager over %s', (library) => {
  const open = (options: SqliteManagerOptions = {}) =>
    opened.add(
      createConnectionManager({
        ...('databaseUrl' in options ? {} : { filename: files.path() }),
        library,
        logger: false,
        ...options,
      }),
    )

  test('reads go on, on a snapshot, while a transaction holds the writer', async () => {
    const manager = open({ readers: 2 })
    await manager.use((db) => db.exec('create table t (v); insert into t values (1)'))
    const count = () =>
      manager.use((db) => db.get<{ n: number }>('select count(*) n from t'), { target: 'standby' })
    await manager.transaction(async (db) => {
      await db.run('insert into t values (2)')
      expect((await count())?.n).toBe(1)
      expect((await manager.pool.execute('select count(*) n from t')).rows[0]?.n).toBe(1)
    })
    expect((await count())?.n).toBe(2)
    expect(manager.getPoolMetrics()).toMatchObject({ size: 3, overflow: 0 })
  })

  test('a read through the pool sees every write that was acknowledged before', async () => {
    const manager = open()
    await manager.pool.execute('create table t (v)')
    for (let n = 1; n <= 50; n += 1) {
      await manager.pool.execute({ sql: 'insert into t values (?)', args: [n] })
      expect((await manager.pool.execute('select max(v) v from t')).rows[0]?.v).toBe(n)
    }
    await expect(manager.replica.execute('insert into t values (0)')).rejects.toMatchObject({
      code: 'SQLITE_READONLY',
    })
  })

  test('a reader refuses to write, and the writer serves reads where there are no readers', async () => {
    const manager = open()
    await manager.use((db) => db.exec('create table t (v)'))
    await expect(
      manager.use((db) => db.run('insert into t values (1)'), { target: 'standby' }),
    ).rejects.toThrow(/readonly/)
    const alone = open({ readers: 0 })
    await alone.use((db) => db.exec('create table t (v)'))
    expect(await alone.use((db) => db.all('select * from t'), { target: 'standby' })).toEqual([])
  })

  test('a database in memory has one connection, lent to one caller at a time', async () => {
    const manager = open({ filename: ':memory:' })
    await manager.use((db) => db.exec('create table t (v)'))
    await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        manager.transaction(async (db) => {
          const row = await db.get<{ n: number }>('select count(*) n from t')
          await new Promise((resolve) => setImmediate(resolve))
          expect(row?.n).toBe(n)
          await db.run('insert into t values (?)', [n])
        }),
      ),
    )
    expect(
      await manager.use((db) => db.get('select count(*) n from t'), { target: 'prefer-standby' }),
    ).toEqual({ n: 10 })
    expect(manager.getPoolMetrics().totalConnectionsCreated).toBe(1)
    expect(await manager.quickCheck()).toEqual([])
  })

  test('what a borrower leaves behind does not reach the next one', async () => {
    const manager = open()
    await manager.use((db) =>
      db.exec(
        'create table t (v); pragma foreign_keys = off; create temp table x (v); begin; insert into t values (1)',
      ),
    )
    expect(await manager.use((db) => db.get('pragma foreign_keys'))).toEqual({ foreign_keys: 1 })
    expect(await manager.use((db) => db.all('select * from t'))).toEqual([])
    await expect(manager.use((db) => db.all('select * from x'))).rejects.toThrow(/no such table/)
    const kept = await manager.use(async (db) => ({ db, read: db.prepare('select 1') }))
    await expect(kept.db.run('insert into t values (1)')).rejects.toMatchObject({
      code: 'CONNMGR_LEASE_RELEASED',
    })
    expect(() => kept.read.all()).toThrow(
      expect.objectContaining({ code: 'CONNMGR_LEASE_RELEASED' }),
    )
  })

  test('a write that its caller did not await is still done when the lock comes free', async () => {
    const filename = files.path()
    const manager = open({ filename })
    await manager.use((db) =>
      db.exec('create table ledger (id integer primary key, caller, amount)'),
    )
    other = new OtherProcess(library, filename)
    await other.lock()
    let written: Promise<unknown> | undefined
    await manager.use((db) => {
      written = db.run("insert into ledger (caller) values ('forgotten')")
    })
    await other.release()
    await written
    expect(
      await manager.use((db) => db.all("select caller from ledger where caller = 'forgotten'")),
    ).toHaveLength(1)
  })

  test('the status names who holds the writer, who holds a snapshot, and other processes', async () => {
    const filename = files.path()
    const manager = open({ filename })
    await manager.use((db) =>
      db.exec('create table ledger (id integer primary key, caller, amount)'),
    )
    other = new OtherProcess(library, filename)
    await other.lock()
    const writer = await manager.acquire({ label: 'import' })
    const reader = await manager.acquire({ label: 'report', target: 'standby' })
    await reader.connection.exec('begin')
    await reader.connection.all('select * from ledger')
    const status = await manager.getDatabaseStatus()
    expect(status).toMatchObject({
      database: filename,
      library,
      journalMode: 'wal',
      writer: {
        label: 'import',
        checkedOutBy: expect.stringContaining('connection-manager.test.ts'),
      },
      snapshots: [{ label: 'report' }],
    })
    expect(status.bytes).toBeGreaterThan(0)
    if (process.platform === 'linux')
      expect(status.processes).toContainEqual({
        pid: other.pid,
        program: 'node lock-holder.cjs',
        lock: 'write',
      })
    writer.release()
    reader.release()
    await other.release()
  })

  test('a log that a reader keeps from being emptied is reported with where that reader came from', async () => {
    const clock = new FakeClock()
    const manager = open({ walLimitBytes: 100_000, clock })
    const pinned: ConnmgrEvent[] = []
    manager.on('walPinned', (event) => pinned.push(event))
    await manager.use((db) => db.exec('create table t (v)'))
    const reader = await manager.acquire({ label: 'report', target: 'standby' })
    const rows = reader.connection.iterate(
      'with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) select i from n, (select count(*) from t)',
    )
    await rows.next()
    await manager.use((db) => db.run('insert into t values (zeroblob(300000))'))
    await eventually(async () => {
      await clock.advance(5000)
      return pinned.length > 0
    })
    expect(pinned).toEqual([
      expect.objectContaining({
        type: 'walPinned',
        holders: [
          expect.objectContaining({
            label: 'report',
            checkedOutBy: expect.stringContaining('connection-manager.test.ts'),
          }),
        ],
        message: expect.stringMatching(
          /in this process by "report" at .*connection-manager\.test\.ts/,
        ),
      }),
    ])
    reader.release()
    expect(await manager.checkpoint()).toMatchObject({ frames: expect.any(Number) })
    const { frames, checkpointed } = await manager.checkpoint()
    expect(checkpointed).toBe(frames)
  })

  test('damage is found by a quick check', async () => {
    const filename = files.path()
    const manager = open({ filename })
    await manager.use((db) =>
      db.exec('create table t (id integer primary key, v text); create index i on t (v)'),
    )
    await manager.transaction(async (db) => {
      for (let n = 0; n < 500; n += 1)
        await db.run('insert into t (v) values (?)', [`value ${n}`.repeat(5)])
    })
    expect(await manager.quickCheck()).toEqual([])
    await manager.use((db) => db.all('pragma wal_checkpoint(truncate)'))
    await manager.close()
    const file = openSync(filename, 'r+')
    writeSync(file, Buffer.alloc(3000, 0x5a), 0, 3000, 4096 * 3)
    closeSync(file)
    const problems = await open({ filename })
      .quickCheck()
      .catch((error: Error) => [error.message])
    expect(problems.join()).toMatch(/malformed|Tree|btree|page/i)
  })

  test('a file that is taken away is missed, and used again once an operator has restored it', async () => {
    const filename = files.path()
    const manager = open({ filename, acquireTimeoutMs: patient(1000), prePingBypassMs: 0 })
    await manager.use((db) => db.exec('create table t (v); insert into t values (1)'))
    await manager.checkpoint()
    copyFileSync(filename, `${filename}.backup`)
    renameSync(filename, `${filename}.lost`)
    await expect(manager.use((db) => db.run('insert into t values (2)'))).rejects.toThrow(
      /no such file|deleted or replaced/,
    )
    renameSync(`${filename}.backup`, filename)
    await eventually(() =>
      manager
        .use((db) => db.all('select * from t'))
        .then(
          (rows) => rows.length === 1,
          () => false,
        ),
    )
    await manager.use((db) => db.run('insert into t values (3)'))
    expect(await manager.use((db) => db.all('select v from t'), { target: 'standby' })).toEqual([
      { v: 1 },
      { v: 3 },
    ])
  })

  test('a transaction whose snapshot has become stale is run again', async () => {
    const filename = files.path()
    const manager = open({ filename })
    await manager.use((db) => db.exec('create table t (v)'))
    const stranger = open({ filename })
    let begun = (): void => {}
    // In a flow of its own: what is written in that of the work counts as its own.
    const written = new Promise<void>((resolve) => {
      begun = resolve
    }).then(() => stranger.use((db) => db.run('insert into t values (1)')))
    let attempts = 0
    await manager.use(
      async (db) => {
        attempts += 1
        await db.exec('begin deferred')
        await db.all('select * from t')
        begun()
        await written
        await db.run('insert into t values (2)')
        await db.exec('commit')
      },
      { replay: 'safe' },
    )
    expect(attempts).toBe(2)
    expect(await manager.use((db) => db.all('select v from t'))).toEqual([{ v: 1 }, { v: 2 }])
  })

  test('what onConnect sets is there for the next borrower, whatever was done to end a stale transaction', async () => {
    const filename = files.path()
    const manager = open({ filename, onConnect: (db) => db.exec('pragma cache_size = -4321') })
    const second = open({ filename })
    await manager.use((db) => db.exec('create table t (v)'))
    await manager.use(async (db) => {
      await db.exec('begin')
      await db.all('select * from t')
      await second.use((each) => each.run('insert into t values (1)'))
      await expect(db.run('insert into t values (2)')).rejects.toMatchObject({
        code: expect.stringMatching(/BUSY/),
      })
      await db.rollback()
    })
    expect(await manager.use((db) => db.get('pragma cache_size'))).toEqual({ cache_size: -4321 })
  })

  test('a read-only manager reads what is there, and creates nothing', async () => {
    const filename = files.path()
    const missing = open({ filename, readOnly: true, startTimeoutMs: patient(200) })
    await expect(missing.use((db) => db.all('select 1'))).rejects.toThrow(/no such file/)
    const writer = open({ filename })
    await writer.use((db) => db.exec('create table t (v)'))
    const reader = open({ databaseUrl: `file:${filename}?mode=ro` })
    expect(await reader.use((db) => db.all('select * from t'))).toEqual([])
    await expect(reader.use((db) => db.run('insert into t values (1)'))).rejects.toThrow(/readonly/)
  })

  test('two managers of one file in this process name each other when one waits for too long', async () => {
    const filename = files.path()
    const first = open({ filename })
    const second = open({ filename, busyTimeoutMs: 30 })
    await first.use((db) => db.exec('create table t (v)'))
    await first.transaction(
      async () => {
        await expect(second.transaction(async () => {})).rejects.toThrow(
          /held in this process by "nightly" at .*connection-manager\.test\.ts/,
        )
      },
      { label: 'nightly' },
    )
  })

  test('who holds the writer is named also if that came by another name of the file', async () => {
    const filename = files.path()
    const first = open({ filename })
    await first.use((db) => db.exec('create table t (v)'))
    symlinkSync(filename, `${filename}.link`)
    const second = open({ filename: `${filename}.link`, busyTimeoutMs: 30 })
    await second.transaction(
      async (db) => {
        await db.run('insert into t values (1)')
        await expect(
          open({ filename, busyTimeoutMs: 30 }).transaction(async () => {}),
        ).rejects.toThrow(/held in this process by "by the link" at /)
      },
      { label: 'by the link' },
    )
    const { walBytes } = await second.getDatabaseStatus()
    expect(walBytes).toBeGreaterThan(0)
  })

  test('a URL that says that the file exists creates none', async () => {
    const filename = files.path()
    const databaseUrl = `file:${filename}?mode=rw`
    const missing = open({ databaseUrl, acquireTimeoutMs: 50 })
    await expect(missing.use((db) => db.run('select 1'))).rejects.toThrow(/no such file/)
    expect(existsSync(filename)).toBe(false)
    writeFileSync(filename, '')
    await open({ databaseUrl }).use((db) => db.exec('create table t (v)'))
  })

  test('what a caller leaves out of its parameters is not what another has sent', async () => {
    const manager = open({ filename: ':memory:' })
    for (const sql of ['select ? as v', 'select ?1 as v']) {
      await manager.use((db) => db.all(sql, ['secret']))
      const given = await manager.use((db) => db.all(sql)).catch((error: Error) => error.message)
      expect(JSON.stringify(given)).not.toContain('secret')
    }
  })

  test('says which options a file has no use for, and what is wrong with others', () => {
    const refusal = (options: object): string => {
      try {
        open(options as SqliteManagerOptions)
        return 'taken'
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(refusal({ poolSize: 5 })).toMatch(/"poolSize" must be left out.*"readers"/)
    expect(refusal({ failover: {} })).toMatch(/nothing to fail over to/)
    expect(refusal({ reader: 3 })).toMatch(/did you mean "readers"/)
    expect(refusal({ readers: -1 })).toMatch(/"readers" must be a whole number/)
    expect(refusal({ journalMode: 'WAL2' })).toMatch(/"journalMode" must be one of "wal"/)
    expect(refusal({ pragmas: { cache_size: '1; drop table t' } })).toMatch(/pragmas.cache_size/)
    expect(refusal({ databaseUrl: 'postgres://app:secret@db/app' })).toMatch(/file: or sqlite:/)
    expect(refusal({ databaseUrl: 'postgres://app:secret@db/app' })).not.toMatch(/secret/)
    expect(refusal({ filename: ':memory:', readOnly: true })).toMatch(/"readOnly"/)
    expect(refusal({ library: 'sqlite3' })).toMatch(/"library" must be one of/)
    expect(refusal({ filename: 'app.db', timeout: 500 })).toMatch(/busyTimeoutMs: 500/)
    expect(refusal({ storage: 'app.db' })).toMatch(/filename/)
    expect(refusal({ filename: 'app.db', fileMustExist: true })).toMatch(/mode=rw/)
    expect(refusal({ pragmas: { key: "'secret'" } })).not.toMatch(/secret/)
  })
})
