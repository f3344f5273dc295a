import path from 'node:path'
import type { ConnectionManager } from '@connmgr/core'
import { eventually, patient } from '@connmgr/testing'
import { expectNoNPlusOne, type Insights, insights, type NPlusOneError } from '../../src/index.js'
import { lineOf } from '../planted.js'
import type { Subject, TroubledDatabase } from './subject.js'

const USERS = 12
/** Longer than a busy machine keeps a process waiting. */
const HELD_IDLE_MS = patient(500)

/** Each trouble that is planted in a library on a database is named by its line, and nothing else is. */
export function describeTroubles(name: string, database: TroubledDatabase): void {
  describe(name, () => {
    beforeAll(() => database.start(USERS))
    afterAll(() => database.stop())
    for (const each of database.subjects) describe(each.name, () => troublesOf(each, database))
  })
}

function troublesOf(
  { file: name, name: library, open }: TroubledDatabase['subjects'][number],
  database: TroubledDatabase,
): void {
  const file = path.join(__dirname, name)
  const at = (mark: string) => ({ file, line: lineOf(file, `${library} ${mark}`) })
  let manager: ConnectionManager<object>
  let watched: Insights
  let subject: Subject

  beforeEach(async () => {
    manager = database.createManager()
    subject = await open(manager)
    manager = subject.manager ?? manager
    watched = insights(manager, { heldIdleMs: HELD_IDLE_MS, blockingMs: 100, slowMs: 60_000 })
  })
  afterEach(async () => {
    await subject.close()
    await watched.close()
    await manager.close({ drainTimeoutMs: 0 })
  })

  /** The troubles that are seen, other than of one kind. */
  function others(of: 'nPlusOne' | 'heldIdle' | 'blocking' | undefined): readonly unknown[] {
    const all: Record<string, readonly unknown[]> = {
      nPlusOne: watched.nPlusOne(),
      heldIdle: watched.heldIdle(),
      blocking: watched.blocking(),
    }
    return Object.entries(all).flatMap(([kind, found]) => (kind === of ? [] : found))
  }

  test.each(['within a request', 'in a script'])('N+1 is named by its line, %s', async (where) => {
    await (where === 'in a script' ? subject.repeat() : watched.scope(() => subject.repeat()))
    expect(watched.nPlusOne()).toMatchObject([
      { site: at('repeats'), maxRepeats: USERS, contexts: 1 },
    ])
    expect(watched.nPlusOne()[0]?.text).toMatch(database.posts)
    expect(others('nPlusOne')).toEqual([])
  })

  test('a function that returns the promise of a read is named, not the code that awaits it', async () => {
    await watched.scope(() => subject.repeatByFunction())
    expect(watched.nPlusOne()).toMatchObject([{ site: at('returns'), maxRepeats: USERS }])
    expect(others('nPlusOne')).toEqual([])
  })

  test('relations that are read when they are looked at are named by where they are', async () => {
    if (subject.repeatLazily === undefined) return
    await watched.scope(subject.repeatLazily)
    expect(watched.nPlusOne()).toMatchObject([{ site: at('is lazy'), maxRepeats: USERS }])
  })

  test('an application that is well gets no verdict, however often it reads', async () => {
    for (let done = 0; done < 20; done += 1) await watched.scope(() => subject.join())
    for (let done = 0; done < 20; done += 1) await subject.join()
    await subject.wait()
    await watched.refresh()
    expect(others(undefined)).toEqual([])
    expect(watched.recommendations()).toEqual([])
  })

  test('expectNoNPlusOne names statement, count, file and line', async () => {
    const error = await expectNoNPlusOne(() => subject.repeat()).catch((reason) => reason)
    const { line } = at('repeats')
    expect(error).toMatchObject({ name: 'NPlusOneError', code: 'CONNMGR_N_PLUS_ONE' })
    expect((error as NPlusOneError).message).toContain(`${USERS} times`)
    expect((error as NPlusOneError).message).toContain(`${file}:${line}`)
    expect((error as NPlusOneError).message).toMatch(database.posts)
    await expectNoNPlusOne(() => subject.join())
  })

  test('a connection that is held idle in a transaction is named by its holder', async () => {
    await subject.join()
    await subject.holdIdle(() => new Promise((resolve) => setTimeout(resolve, HELD_IDLE_MS * 1.5)))
    const held = watched.heldIdle()
    expect(held).toHaveLength(1)
    expect(held[0]).toMatchObject({
      site: { file },
      exceeded: 1,
      exceededInTransaction: 1,
      longestGap: { inTransaction: true, after: { site: at('holds') } },
    })
    expect(held[0]?.longestGap?.durationMs).toBeGreaterThan(HELD_IDLE_MS)
    expect(others('heldIdle')).toEqual([])
  })

  test('a slow statement is named by its line', async () => {
    await watched.close()
    watched = insights(manager, { slowMs: 50 })
    await subject.slow(database.slowCondition)
    const [slowest] = watched.slow()
    expect(slowest).toMatchObject({ site: at('is slow') })
    expect(slowest?.text).toMatch(database.posts)
  })

  const { blocking } = database
  if (blocking === undefined) return

  test('who waits for a lock and who holds it are named by their lines', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let locking: Promise<unknown> = Promise.resolve()
    await new Promise<void>((resolve, reject) => {
      locking = subject.lock(resolve, released)
      locking.catch(reject)
    })
    const waiting = subject.wait()
    await eventually(() => watched.blocking().length > 0)
    expect(watched.blocking()).toMatchObject([
      {
        waiter: { site: at('waits'), own: true },
        blocker: { site: at('locks'), own: true, state: blocking.state },
        relation: blocking.relation,
        count: 1,
        active: true,
      },
    ])
    expect(watched.nPlusOne()).toEqual([])
    // What insights ask the server themselves is none of the statements that they count.
    expect(
      watched
        .top(100)
        .map(({ text }) => text)
        .join(),
    ).not.toMatch(/innodb|pg_blocking/)
    release()
    await Promise.all([locking, waiting])
  })
}
