import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { linkSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { eventually, Opened, patient } from '@connmgr/testing'
import { DuckDBAppender, DuckDBInstance } from '@duckdb/node-api'
import { Files } from '../test/files.js'
import { createConnectionManager, type DuckDbManagerOptions } from './connection-manager.js'

const ENDLESS = 'select count(*) from range(10000000000) a, range(1000) b'

const files = new Files()
const opened = new Opened()
afterEach(() => opened.close())
afterAll(() => files.remove())

const open = (options: DuckDbManagerOptions = {}) =>
  opened.add(createConnectionManager({ filename: files.path(), logger: false, ...options }))
type Manager = ReturnType<typeof open>

const rows = (manager: Manager, sql: string) =>
  manager.use(async (db) => (await db.runAndReadAll(sql)).getRowObjects())

test('callers read and write beside each other, over connections of one instance', async () => {
  const filename = files.path()
  const manager = open({ filename, poolSize: 4, maxOverflow: 0 })
  const another = open({ filename })
  await manager.use((db) => db.run('create table t (id integer primary key, v integer)'))
  await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      (n % 2 === 0 ? manager : another).transaction(async (db) => {
        await db.run('insert into t values ($1, $2)', [n, n])
      }),
    ),
  )
  expect(await rows(manager, 'select count(*)::integer n from t')).toEqual([{ n: 50 }])
  expect(await rows(another, 'select count(*)::integer n from t')).toEqual([{ n: 50 }])
})

test('transactions that conflict are run again, and none is lost', async () => {
  const manager = open({ poolSize: 5 })
  await manager.use((db) =>
    db.run('create table total (sum integer); insert into total values (0)'),
  )
  let attempts = 0
  await Promise.all(
    Array.from({ length: 20 }, () =>
      manager.transaction(
        async (db) => {
          attempts += 1
          await db.run('update total set sum = sum + 1')
        },
        { replay: 'safe' },
      ),
    ),
  )
  expect(await rows(manager, 'select sum from total')).toEqual([{ sum: 20 }])
  expect(attempts).toBeGreaterThan(20)
})

test('a conflict fails as one, and nothing of its transaction stays', async () => {
  const manager = open()
  await manager.use((db) =>
    db.run('create table t (id integer primary key); create table log (v integer)'),
  )
  const conflict = await manager
    .transaction(async (db) => {
      await db.run('insert into log values (1)')
      await db.run('insert into t values (1)')
      await manager.transaction((other) => other.run('insert into t values (1)'))
    })
    .catch((error: Error) => error)
  expect(String(conflict)).toMatch(/Failed to commit/)
  expect(await rows(manager, 'select * from log')).toEqual([])
  const ignored = await manager
    .transaction(async (db) => {
      await db.run('insert into log values (2)')
      await manager.transaction((other) => other.run('update t set id = 2'))
      await db.run('update t set id = 3').catch(() => {})
    })
    .catch((error: Error) => error)
  expect(ignored).toMatchObject({ code: 'CONNMGR_TRANSACTION_ROLLED_BACK' })
  expect(await rows(manager, 'select * from log')).toEqual([])
})

test('a transaction that its work has ended is not reported as committed', async () => {
  const manager = open()
  await manager.use((db) => db.run('create table t (v integer)'))
  await expect(
    manager.transaction(async (db) => {
      await db.run('insert into t values (1)')
      await db.run('rollback')
    }),
  ).rejects.toMatchObject({ code: 'CONNMGR_TRANSACTION_ROLLED_BACK' })
  expect(await rows(manager, 'select * from t')).toEqual([])
})

test('what a borrower leaves behind does not reach the next one', async () => {
  const manager = open({ poolSize: 1, maxOverflow: 0 })
  await manager.use(async (db) => {
    await db.run('create table t (v integer)')
    await db.run(
      "create temp table x (v integer); set variable colour = 'red'; begin; insert into t values (1)",
    )
  })
  expect(await rows(manager, 'select * from t')).toEqual([])
  expect(await rows(manager, "select getvariable('colour') colour")).toEqual([{ colour: null }])
  await expect(rows(manager, 'select * from x')).rejects.toThrow(/does not exist/)
  const kept = await manager.use(async (db) => ({
    db,
    prepared: await db.prepare('insert into t values (2)'),
  }))
  await expect(kept.db.run('insert into t values (3)')).rejects.toMatchObject({
    code: 'CONNMGR_LEASE_RELEASED',
  })
  await rows(manager, 'select 1')
  await expect(kept.prepared.run()).rejects.toThrow()
  expect(await rows(manager, 'select * from t')).toEqual([])
})

test('a statement is interrupted when its signal fires, and the pool goes on', async () => {
  const manager = open({ poolSize: 1, maxOverflow: 0 })
  const abort = new AbortController()
  const running = manager.use((db) => db.run(ENDLESS), { signal: abort.signal })
  await eventually(() => manager.getCounts().inUse === 1)
  setTimeout(() => abort.abort(), 20)
  await expect(running).rejects.toMatchObject({ code: 'CONNMGR_ABORTED' })
  expect(await rows(manager, 'select 42 answer')).toEqual([{ answer: 42 }])
})

test('a statement that takes longer than queryTimeoutMs is interrupted', async () => {
  const manager = open({ queryTimeoutMs: 200 })
  await expect(manager.use((db) => db.run(ENDLESS))).rejects.toMatchObject({
    code: 'CONNMGR_CONNECTION_LOST',
    cause: { code: 'CONNMGR_QUERY_TIMEOUT' },
  })
})

test('close interrupts what still runs at its deadline, and gives the file free', async () => {
  const filename = files.path()
  const manager = open({ filename })
  const running = manager.use((db) => db.run(ENDLESS)).catch((error: Error) => error)
  await eventually(() => manager.getCounts().inUse === 1)
  await manager.close({ drainTimeoutMs: 50 })
  expect(await running).toBeInstanceOf(Error)
  const child = spawn(
    process.execPath,
    [path.join(__dirname, '../test/lock-holder.cjs'), filename],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  await once(child.stdout, 'data')
  child.stdin.end()
  await once(child, 'exit')
})

test('a database that another process has open is waited for, and the error says which process that is', async () => {
  const filename = files.path()
  const child = spawn(
    process.execPath,
    [path.join(__dirname, '../test/lock-holder.cjs'), filename],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  await once(child.stdout, 'data')
  const impatient = open({ filename, startTimeoutMs: patient(500) })
  await expect(rows(impatient, 'select 1')).rejects.toThrow(
    new RegExp(`Conflicting lock.*PID ${child.pid}`),
  )
  await impatient.close()
  const waiter = open({ filename, startTimeoutMs: 0 })
  const waiting = rows(waiter, 'select 42 answer')
  child.stdin.end()
  expect(await waiting).toEqual([{ answer: 42 }])
})

test('a database in memory lives as long as its manager, whichever connections close, and is its own', async () => {
  const manager = open({ filename: ':memory:', poolSize: 2 })
  const other = open({ filename: ':memory:' })
  await manager.use((db) => db.run('create table t (v integer)'))
  manager.clear()
  expect(await rows(manager, 'select * from t')).toEqual([])
  await expect(rows(other, 'select * from t')).rejects.toThrow(/does not exist/)
})

test('a read-only transaction refuses to write', async () => {
  const manager = open()
  await manager.use((db) => db.run('create table t (v integer)'))
  await expect(
    manager.transaction((db) => db.run('insert into t values (1)'), { readOnly: true }),
  ).rejects.toThrow(/read-only/)
  await manager.close()
  const instance = await DuckDBInstance.create(':memory:')
  instance.closeSync()
})

test('says what is wrong with options', () => {
  const refusal = (options: object): string => {
    try {
      open(options)
      return 'taken'
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(refusal({ failover: {} })).toMatch(/nothing to fail over to/)
  expect(refusal({ poolsize: 3 })).toMatch(/poolSize/)
  expect(refusal({ acquire: () => {} })).toMatch(/another copy of @connmgr\/duckdb/)
  expect(refusal({ filename: undefined, databaseUrl: 'postgres://app:secret@db/app' })).toMatch(
    /duckdb: or file:/,
  )
  expect(refusal({ filename: undefined, databaseUrl: 'postgres://app:secret@db/app' })).not.toMatch(
    /secret/,
  )
  expect(refusal({ config: { threads: 2 } })).toMatch(/config.threads/)
  expect(refusal({ threads: '2' })).toMatch(/put it into config/)
  expect(refusal({ filename: undefined, databaseUrl: 'duckdb:100%.db' })).toMatch(
    /"databaseUrl".*percent/,
  )
})

test('a file is opened once in a process, whichever of its names leads to it', async () => {
  const file = files.path()
  const names = [
    `${file}.link`,
    `${file}.hard`,
    path.join(`${file}.directory`, path.basename(file)),
  ]
  const [link, hard] = names as [string, string]
  symlinkSync(file, link)
  symlinkSync(path.dirname(file), `${file}.directory`)
  // The first manager makes the file, by a link that leads nowhere yet.
  const managers = [link, file, names[2] as string].map((filename) => open({ filename }))
  await Promise.all(managers.map((each) => each.use((db) => db.run('select 1'))))
  linkSync(file, hard)
  managers.push(open({ filename: hard }))
  await managers[0]?.use((db) => db.run('create table t (n int)'))
  for (const each of managers) await each.use((db) => db.run('insert into t values (1)'))
  for (const each of managers)
    expect(
      (await each.use((db) => db.runAndReadAll('select count(*) from t'))).getRowsJS(),
    ).toEqual([[4n]])
})

test('what a borrower has got from its connection ends with the lease, and writes nothing afterwards', async () => {
  const manager = open({ filename: ':memory:' })
  await manager.use((db) => db.run('create table t (n int)'))
  const kept = await manager.use(async (db) => {
    const prepared = await db.prepare('insert into t values (1)')
    return {
      prepared,
      again: prepared.start(),
      stream: await db.stream('from range(100000)'),
      reader: await db.streamAndReadUntil('from range(100000)', 10),
      rows: await (await db.prepare('from range(100000)')).stream(),
      started: await db.start('insert into t values (2)'),
      several: await db.extractStatements('insert into t values (3)'),
      appender: await db.createAppender('t'),
      all: await db.runAndReadAll('select 1 as one'),
    }
  })
  const { all, appender, prepared } = kept
  appender.appendInteger(4)
  for (const use of [
    () => prepared.run(),
    () => prepared.runAndReadAll(),
    async () => prepared.start(),
    () => kept.again.getResult(),
    async () => kept.again.runTask(),
    () => kept.stream.fetchChunk(),
    () => kept.reader.readAll(),
    () => kept.rows.getRows(),
    () => kept.started.readAll(),
    () => kept.several.prepare(0),
    async () => appender.endRow(),
    async () => appender.closeSync(),
  ])
    await expect(use()).rejects.toMatchObject({ code: 'CONNMGR_LEASE_RELEASED' })
  expect(all.getRowsJS()).toEqual([[1]])
  const rows = await manager.use((db) => db.runAndReadAll('from t'))
  expect(rows.getRowsJS()).toEqual([])
})

test('rows of an appender that its transaction did not flush are not written when it is garbage', async () => {
  const manager = open({ filename: ':memory:' })
  await manager.use((db) => db.run('create table t (n int)'))
  let appender: DuckDBAppender | undefined
  const append = (fails: boolean) =>
    manager.transaction(async (db) => {
      appender = await db.createAppender('t')
      for (const n of [1, 2]) {
        appender.appendInteger(n)
        appender.endRow()
      }
      if (fails) throw new Error('of the work')
      appender.closeSync()
    })
  await expect(append(true)).rejects.toThrow('of the work')
  // As DuckDB does it then.
  DuckDBAppender.prototype.flushSync.call(appender as unknown as DuckDBAppender)
  const count = async () =>
    (await manager.use((db) => db.runAndReadAll('select count(*) from t'))).getRowsJS()
  expect(await count()).toEqual([[0n]])
  await append(false)
  expect(await count()).toEqual([[2n]])
})
