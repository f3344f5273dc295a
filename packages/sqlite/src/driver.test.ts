import { renameSync, unlinkSync, writeFileSync } from 'node:fs'
import type { ConnectionSignal } from '@connmgr/core/driver'
import { FakeClock } from '@connmgr/testing'
import { Files } from '../test/files.js'
import { INSTALLED } from '../test/libraries.js'
import { bindingOf } from './bindings/load.js'
import type { SqliteConnection } from './connection.js'
import { SqliteDriver } from './driver.js'
import { endpointOf, type SqliteEndpointConfig } from './endpoint.js'
import { locate } from './location/location.js'

const files = new Files()
afterAll(() => files.remove())

const endpoint = (path: string, more: Partial<SqliteEndpointConfig> = {}) =>
  endpointOf(path, {
    location: locate(path, 'filename'),
    readOnly: false,
    readOnlyDatabase: false,
    journalMode: 'wal',
    synchronous: 'normal',
    pragmas: {},
    ...more,
  })

describe.each(INSTALLED)('the driver over %s', (library) => {
  const driver = new SqliteDriver({ binding: bindingOf(library), busyTimeoutMs: 30_000 })
  const open = (
    path: string,
    more: Partial<SqliteEndpointConfig> = {},
    signals: ConnectionSignal[] = [],
  ) =>
    driver.connect(endpoint(path, more), {
      signal: new AbortController().signal,
      onSignal: (signal) => signals.push(signal),
    })
  const begin = (connection: SqliteConnection, readOnly = false) =>
    driver.transactions.begin(connection, { readOnly })

  test('has transactions that the holder of a connection begins and ends', async () => {
    const path = files.path()
    const db = await open(path)
    await db.exec('create table parents (id integer primary key)')
    await db.exec('create table t (n references parents (id) deferrable initially deferred)')
    await db.exec('pragma foreign_keys = on')
    await db.begin()
    await db.run('insert into t values (null)')
    expect(db.inTransaction).toBe(true)
    await db.commit()
    await db.begin()
    await db.run('insert into t values (null)')
    await db.rollback()
    await db.begin()
    await db.run('insert into t values (99)')
    await expect(db.commit()).rejects.toThrow(/FOREIGN KEY/)
    expect(db.inTransaction).toBe(false)
    await db.rollback()
    await db.begin({ readOnly: true })
    await expect(db.run('insert into t values (null)')).rejects.toThrow(/readonly/)
    await db.rollback()
    expect(await db.get('select count(*) as n from t')).toEqual({ n: 1 })
    await driver.close(db)
  })

  test('runs statements of every form', async () => {
    const db = await open(files.path())
    await db.exec('create table t (id integer primary key, v); -- a comment; with a semicolon\n')
    expect(await db.run('insert into t (v) values (?), (?)', ['a', true])).toEqual({
      changes: 2,
      lastInsertRowid: 2,
    })
    expect(await db.all('select * from t')).toEqual([
      { id: 1, v: 'a' },
      { id: 2, v: 1 },
    ])
    expect(await db.get('select v from t where id = :id', { id: 1 })).toEqual({ v: 'a' })
    expect(await db.get('select v from t where id = ?2 and ?1', [1, 2])).toEqual({ v: 1 })
    expect(await db.get('select v from t where id = 7')).toBeUndefined()
    expect(await db.all('insert into t (v) values (1.5) returning id, v')).toEqual([
      { id: 3, v: 1.5 },
    ])
    expect(
      await db.all('select id, v from t where id = 3', [], { arrays: true, bigints: true }),
    ).toEqual([[3n, 1.5]])
    expect(await db.all('delete from t where id = 3')).toEqual([])
    const read = db.prepare('select id from t order by id')
    expect([read.reader, read.columns().map(({ name }) => name)]).toEqual([true, ['id']])
    expect(read.all()).toEqual([{ id: 1 }, { id: 2 }])
    await expect(db.run('insert into t (v) values (?)', [undefined as never])).rejects.toThrow(
      /parameter 1 is undefined/,
    )
    await expect(db.run('selec')).rejects.toThrow(/syntax error/)
    await driver.close(db)
    expect(driver.inspect(db)).toBe('broken')
  })

  test('iterates in chunks, and a cursor that is left holds no snapshot', async () => {
    const path = files.path()
    const db = await open(path)
    await db.exec('create table t (id integer primary key)')
    await db.run(
      'with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) insert into t select i from n',
    )
    let count = 0
    for await (const row of db.iterate<{ id: number }>('select id from t order by id')) {
      count += 1
      expect(row.id).toBe(count)
    }
    expect(count).toBe(1000)
    const reader = await open(path, { readOnly: true })
    for await (const _ of reader.iterate('select id from t')) {
      expect(driver.inspect(reader)).toBe('stuck')
      break
    }
    expect(driver.inspect(reader)).toBe('clean')
    await db.run('insert into t values (5000)')
    expect(await db.get('pragma wal_checkpoint(truncate)')).toMatchObject({ busy: 0 })
    driver.destroy(db)
    driver.destroy(reader)
  })

  test('a reader sees what the writer has committed, and refuses to write', async () => {
    const path = files.path()
    const reader = await open(path, { readOnly: true })
    const writer = await open(path)
    await writer.exec('create table t (v)')
    await begin(writer)
    await writer.run('insert into t values (1)')
    expect(await reader.get('select count(*) n from t')).toEqual({ n: 0 })
    await driver.transactions.commit(writer)
    expect(await reader.get('select count(*) n from t')).toEqual({ n: 1 })
    const refused = await reader.run('insert into t values (2)').catch((error: unknown) => error)
    expect(driver.classify(refused)).toBe('read-only')
    driver.destroy(writer)
    driver.destroy(reader)
  })

  test('a statement waits for the lock of another connection, while the event loop goes on', async () => {
    const path = files.path()
    const [db, other] = [await open(path), await open(path)]
    await db.exec('create table t (v)')
    await begin(other)
    const writes = [
      db.run('insert into t values (1)'),
      db.run('insert into t values (2)'),
      db.all('select v from t'),
    ]
    expect(driver.inspect(db)).toBe('busy')
    await new Promise((resolve) => setTimeout(resolve, 20))
    await other.run('insert into t values (0)')
    await driver.transactions.commit(other)
    const [, , rows] = await Promise.all(writes)
    expect(rows).toEqual([{ v: 0 }, { v: 1 }, { v: 2 }])
    expect(driver.inspect(db)).toBe('clean')
    driver.destroy(db)
    driver.destroy(other)
  })

  test('a lock that is not free within the time is an error that says who holds it', async () => {
    const path = files.path()
    const impatient = new SqliteDriver({ binding: bindingOf(library), busyTimeoutMs: 30 })
    const db = await impatient.connect(endpoint(path), {
      signal: new AbortController().signal,
      onSignal: () => {},
    })
    const other = await open(path)
    await begin(other)
    const refused = await impatient.transactions.begin(db, {}).catch((error: unknown) => error)
    expect(refused).toMatchObject({ name: 'DatabaseBusyError', code: 'SQLITE_BUSY' })
    expect(String(refused)).toMatch(
      /^DatabaseBusyError: BEGIN has waited \d+ ms .* held (in this|by another) process/,
    )
    expect([driver.classify(refused), driver.statements.isDeliberate(refused)]).toEqual([
      'statement',
      true,
    ])
    expect(impatient.inspect(db)).toBe('clean')
    impatient.destroy(db)
    driver.destroy(other)
  })

  test('a COMMIT that readers keep from the file waits for them, and is rolled back if they stay', async () => {
    const path = files.path()
    const impatient = new SqliteDriver({ binding: bindingOf(library), busyTimeoutMs: 30 })
    const db = await impatient.connect(endpoint(path, { journalMode: 'delete' }), {
      signal: new AbortController().signal,
      onSignal: () => {},
    })
    await db.exec('create table t (v)')
    const reader = await open(path, { readOnly: true, journalMode: 'delete' })
    await begin(reader, true)
    await reader.all('select * from t')
    await impatient.transactions.begin(db, {})
    await db.run('insert into t values (1)')
    await expect(impatient.transactions.commit(db)).rejects.toMatchObject({ code: 'SQLITE_BUSY' })
    expect(impatient.inspect(db)).toBe('clean')
    expect(await db.all('select * from t')).toEqual([])

    await impatient.transactions.begin(db, {})
    await db.run('insert into t values (2)')
    const committing = impatient.transactions.commit(db)
    await driver.transactions.commit(reader)
    await committing
    expect(await reader.all('select * from t')).toEqual([{ v: 2 }])
    impatient.destroy(db)
    driver.destroy(reader)
  })

  test('a transaction that SQLite has rolled back takes no more statements, and its COMMIT fails', async () => {
    const db = await open(files.path())
    await db.exec('create table t (v unique)')
    await begin(db)
    await db.run('insert into t values (1)')
    await expect(db.run('insert or rollback into t values (1)')).rejects.toThrow(/UNIQUE/)
    await expect(db.run('insert into t values (2)')).rejects.toMatchObject({
      code: 'CONNMGR_TRANSACTION_ROLLED_BACK',
    })
    expect(driver.inspect(db)).toBe('transaction')
    await expect(driver.transactions.commit(db)).rejects.toMatchObject({
      code: 'CONNMGR_TRANSACTION_ROLLED_BACK',
    })
    expect([driver.inspect(db), await db.all('select * from t')]).toEqual(['clean', []])
    driver.destroy(db)
  })

  test('a deferred transaction of the borrower whose snapshot is stale fails at once, and pins nothing', async () => {
    const path = files.path()
    const [db, other] = [await open(path), await open(path)]
    await db.exec('create table t (v)')
    await db.exec('begin')
    await db.all('select * from t')
    await other.run('insert into t values (1)')
    const stale = await db.run('insert into t values (?)', [2]).catch((error: unknown) => error)
    expect(driver.classify(stale)).toBe('serialization')
    await driver.transactions.rollback(db)
    // One that had to be opened anew for that is reset, by which it gets back what `onConnect` sets.
    expect(driver.session.altered(db)).toBe(library === 'libsql')
    await db.run('insert into t values (?)', [3])
    expect(await other.all('select v from t')).toEqual([{ v: 1 }, { v: 3 }])
    driver.destroy(db)
    driver.destroy(other)
  })

  test('nothing is written to a file that was deleted or replaced', async () => {
    const path = files.path()
    const signals: ConnectionSignal[] = []
    const clock = new FakeClock()
    const timed = new SqliteDriver({ binding: bindingOf(library), busyTimeoutMs: 30_000, clock })
    const db = await timed.connect(endpoint(path), {
      signal: new AbortController().signal,
      onSignal: (signal) => signals.push(signal),
    })
    await db.exec('create table t (v)')
    await timed.transactions.begin(db, {})
    await db.run('insert into t values (1)')
    renameSync(path, `${path}.old`)
    await clock.advance(1)
    const lost = await timed.transactions.commit(db).catch((error: unknown) => error)
    expect(timed.classify(lost)).toBe('lost')
    expect(signals.map(({ kind }) => kind)).toEqual(['lost'])
    expect(timed.inspect(db)).toBe('broken')
    await expect(
      timed.connect(endpoint(path), { signal: new AbortController().signal, onSignal: () => {} }),
    ).rejects.toMatchObject({ code: 'SQLITE_CANTOPEN' })
    renameSync(`${path}.old`, path)
    const again = await open(path)
    expect(await again.all('select * from t')).toEqual([])
    unlinkSync(path)
    await expect(driver.validate(again)).rejects.toMatchObject({ code: 'CONNMGR_CONNECTION_LOST' })
  })

  test('a reset takes what the session keeps', async () => {
    const path = files.path()
    const db = await open(path, { pragmas: { cache_size: -5000 } })
    driver.session.baseline(db)
    await db.all('select 1')
    await db.run('create table t (v)')
    await db.all('pragma table_info(t)')
    expect(driver.session.altered(db)).toBe(false)
    await db.exec('pragma foreign_keys = off; create temp table x (v)')
    expect(driver.session.altered(db)).toBe(true)
    await driver.session.reset(db, 'reset-all')
    expect(driver.session.altered(db)).toBe(false)
    expect(await db.get('pragma foreign_keys')).toEqual({ foreign_keys: 1 })
    expect(await db.get('pragma cache_size')).toEqual({ cache_size: -5000 })
    await expect(db.all('select * from x')).rejects.toThrow(/no such table/)
    driver.destroy(db)
  })

  test('a reset of a database in memory keeps its tables', async () => {
    const db = await open(':memory:')
    driver.session.baseline(db)
    await db.exec(
      "create table t (v); create temp table x (v); attach ':memory:' as other; pragma foreign_keys = off",
    )
    await driver.session.reset(db, 'reset-all')
    expect(await db.all('select * from t')).toEqual([])
    expect((await db.all('pragma database_list')).map((each) => each.name)).not.toContain('other')
    expect(await db.get('pragma foreign_keys')).toEqual({ foreign_keys: 1 })
    await expect(db.all('select * from x')).rejects.toThrow(/no such table/)
    driver.destroy(db)
  })

  test('what cannot be opened says why', async () => {
    const kind = async (path: string): Promise<unknown[]> => {
      const error = await open(path).catch((thrown: unknown) => thrown)
      return [driver.classify(error), (error as Error).message]
    }
    expect(await kind('/nowhere/at/all/app.db')).toEqual([
      'unreachable',
      expect.stringContaining('directory'),
    ])
    const text = files.path()
    writeFileSync(text, 'no database at all, but long enough to be taken for one. '.repeat(50))
    expect(await kind(text)).toEqual(['setup', expect.stringContaining('no SQLite database')])
  })

  test('a read-only transaction on the writer refuses to write, and the next one writes', async () => {
    const db = await open(files.path())
    await db.exec('create table t (v)')
    await begin(db, true)
    const refused = await db.run('insert into t values (1)').catch((error: unknown) => error)
    expect(driver.classify(refused)).toBe('read-only')
    await driver.transactions.rollback(db)
    await begin(db)
    await db.run('insert into t values (1)')
    await driver.transactions.commit(db)
    expect(await db.all('select * from t')).toEqual([{ v: 1 }])
    driver.destroy(db)
  })

  test('an attempt to connect that waits for a lock is given up when it is aborted', async () => {
    const path = files.path()
    const binding = bindingOf(library)
    const locker = binding.open(path, { readOnly: false })
    locker.exec('begin exclusive')
    const abort = new AbortController()
    const connecting = driver
      .connect(endpoint(path), { signal: abort.signal, onSignal: () => {} })
      .catch((error: unknown) => error)
    await new Promise((resolve) => setTimeout(resolve, 10))
    abort.abort(new Error('deadline'))
    expect(driver.classify(await connecting)).toBe('busy')
    locker.exec('commit')
    locker.close()
  })

  test('a statement that waits is given up when the connection is destroyed', async () => {
    const path = files.path()
    const [db, other] = [await open(path), await open(path)]
    await begin(other)
    const waiting = db.run('create table t (v)').catch((error: unknown) => error)
    driver.destroy(db)
    expect(await waiting).toMatchObject({ code: 'CONNMGR_CONNECTION_LOST', sent: false })
    driver.destroy(other)
  })
})
