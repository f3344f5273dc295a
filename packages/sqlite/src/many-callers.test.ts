import { Opened } from '@connmgr/testing'
import { Files } from '../test/files.js'
import { INSTALLED } from '../test/libraries.js'
import { OtherProcess } from '../test/other-process.js'
import { createConnectionManager } from './create-connection-manager.js'

const CALLERS = 50
const ROUNDS = 4

const files = new Files()
const opened = new Opened()
let other: OtherProcess | undefined
afterEach(async () => {
  await other?.stop()
  other = undefined
  await opened.close()
})
afterAll(() => files.remove())

describe.each(INSTALLED)('many callers over %s', (library) => {
  async function ledger() {
    const path = files.path()
    const manager = opened.add(createConnectionManager({ filename: path, library, logger: false }))
    await manager.use((db) =>
      db.exec(
        'create table ledger (id integer primary key, caller, amount); create table total (sum); insert into total values (0)',
      ),
    )
    return { path, manager }
  }

  test('50 callers write beside another process that holds the lock: all get through, nothing is lost or mixed', async () => {
    const { path, manager } = await ledger()
    other = new OtherProcess(library, path)
    await other.lock()
    const acknowledged: string[] = []
    const failures: unknown[] = []
    const open = new Set<string>()

    const transaction = (name: string, undo: boolean): Promise<void> =>
      manager.transaction(async (db) => {
        open.add(name)
        // No other transaction of this process is open between the first statement and the last.
        expect([...open]).toEqual([name])
        const before = await db.get<{ sum: number }>('select sum from total')
        await db.run('insert into ledger (caller, amount) values (?, 1)', [name])
        await new Promise((resolve) => setImmediate(resolve))
        await db.exec('savepoint inner')
        await db.run('insert into ledger (caller, amount) values (?, 1)', ['undone'])
        await db.exec('rollback to inner; release inner')
        await db.run('update total set sum = ?', [(before?.sum ?? 0) + 1])
        open.delete(name)
        if (undo) throw new Error('undo')
      })
    const caller = async (number: number): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const name = `${number}/${round}`
        const kind = (number + round) % 4
        try {
          if (kind === 0) {
            await manager.use((db) =>
              db.run('insert into ledger (caller, amount) values (?, 0)', [name]),
            )
            acknowledged.push(name)
          } else if (kind === 1) {
            await transaction(name, true).catch((error: Error) => {
              open.delete(name)
              if (error.message !== 'undo') throw error
            })
          } else {
            await transaction(name, false)
            acknowledged.push(name)
          }
        } catch (error) {
          failures.push(error)
        }
      }
    }
    const callers = Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)))
    // The event loop goes on while they wait.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2))
    expect(acknowledged).toEqual([])
    await other.release()
    for (let turn = 0; turn < 3; turn += 1) {
      await other.lock()
      await new Promise((resolve) => setTimeout(resolve, 10))
      await other.release()
    }
    await callers
    expect(failures).toEqual([])
    const { rows, sum } = await manager.use(async (db) => ({
      rows: await db.all<{ caller: string; amount: number }>('select caller, amount from ledger'),
      sum: await db.get<{ sum: number }>('select sum from total'),
    }))
    const written = rows.map((row) => row.caller).filter((each) => each !== 'other process')
    expect(written.sort()).toEqual(acknowledged.sort())
    expect(rows.filter((row) => row.caller === 'other process')).toHaveLength(4)
    // Each transaction has read what the one before it has written.
    expect(sum?.sum).toBe(rows.filter((row) => row.amount === 1).length)
  })

  test('callers are served in the order in which they came, also when a lock is waited for', async () => {
    const { path, manager } = await ledger()
    other = new OtherProcess(library, path)
    await other.lock()
    const order: number[] = []
    const callers = Array.from({ length: 10 }, (_, number) =>
      manager.transaction(async () => {
        order.push(number)
      }),
    )
    await other.release()
    await Promise.all(callers)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('a caller that waits for a lock can be aborted, and the next one is served', async () => {
    const { path, manager } = await ledger()
    other = new OtherProcess(library, path)
    await other.lock()
    const abort = new AbortController()
    const aborted = manager.transaction(async () => 'first', { signal: abort.signal })
    const queued = new AbortController()
    const inQueue = manager.transaction(async () => 'second', { signal: queued.signal })
    const next = manager.transaction(async () => 'third')
    await new Promise((resolve) => setTimeout(resolve, 10))
    queued.abort()
    await expect(inQueue).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_ABORTED' })
    abort.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'CONNMGR_ABORTED' })
    await other.release()
    expect(await next).toBe('third')
  })

  test('who waits for too long learns which process holds the lock', async () => {
    const path = files.path()
    const manager = opened.add(
      createConnectionManager({ filename: path, library, busyTimeoutMs: 50, logger: false }),
    )
    await manager.use((db) =>
      db.exec('create table ledger (id integer primary key, caller, amount)'),
    )
    other = new OtherProcess(library, path)
    await other.lock()
    const failed = await manager.transaction(async () => {}).catch((error: Error) => error)
    expect(failed).toMatchObject({ code: 'SQLITE_BUSY' })
    if (process.platform === 'linux')
      expect(String(failed)).toContain(`by another process: ${other.pid} (node lock-holder.cjs)`)
    await other.release()
    await manager.transaction(async (db) => db.run('delete from ledger'))
  })

  test('who waits for too long for the writer learns who in this process holds it', async () => {
    const { manager } = await ledger()
    const lease = await manager.acquire({ label: 'nightly import' })
    const waiting = manager.acquire({ timeoutMs: 20 })
    await expect(waiting).rejects.toMatchObject({ code: 'CONNMGR_ACQUIRE_TIMEOUT' })
    await expect(waiting).rejects.toThrow(/the longest for .* by .*many-callers\.test\.ts/)
    lease.release()
  })
})
