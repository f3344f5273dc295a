import { FakeClock } from '@connmgr/testing'
import { statementOf } from '../text/shape.js'
import { Catalogs, type EndpointCatalog } from './catalog.js'
import type { CatalogAnswer } from './catalog-query.js'

const MINUTE = 60_000
const reads = (catalog: EndpointCatalog | Catalogs, text = 'select count(*) from item'): boolean =>
  catalog.agree((snapshot) => snapshot.onlyReads(statementOf(text) as never))

/** A database that is asked; the test decides when it answers. */
class Database {
  asked = 0
  #answers: { resolve: (text: string) => void; reject: (error: Error) => void }[] = []

  ask = (): Promise<never> => {
    this.asked += 1
    return new Promise<string>((resolve, reject) => this.#answers.push({ resolve, reject })).then(
      (text) => ({ rows: [[text]] }) as never,
    )
  }

  answer(answer: Partial<CatalogAnswer> = {}): void {
    this.#answers
      .shift()
      ?.resolve(JSON.stringify({ hidden: false, harmless: ['count'], ...answer }))
  }

  fail(): void {
    this.#answers.shift()?.reject(Object.assign(new Error('denied'), { severity: 'ERROR' }))
  }

  end(code: string): void {
    this.#answers.shift()?.reject(Object.assign(new Error('ended'), { code, severity: 'FATAL' }))
  }

  lose(): void {
    this.#answers.shift()?.reject(new Error('Connection terminated'))
  }
}

let clock: FakeClock
let catalogs: Catalogs
let catalog: EndpointCatalog
let database: Database

beforeEach(() => {
  clock = new FakeClock()
  database = new Database()
  catalogs = new Catalogs(clock)
  catalog = catalogs.of('a', database)
})

async function read(answer?: Partial<CatalogAnswer>): Promise<void> {
  const reading = catalog.read()
  database.answer(answer)
  await reading
}

test('the first connection leaves its caller a head start, and those after it none', async () => {
  catalogs.opened('a')
  catalogs.opened('a')
  await clock.advance(99)
  expect(database.asked).toBe(0)
  await clock.advance(1)
  expect(database.asked).toBe(1)
  database.answer()
  await clock.advance(MINUTE)
  catalogs.opened('a')
  expect(database.asked).toBe(2)
})

test('a head start ends when the catalog is waited for, and when it is closed', async () => {
  catalogs.opened('a')
  await read()
  await clock.advance(1000)
  expect(database.asked).toBe(1)
  const other = catalogs.of('b', database)
  catalogs.opened('b')
  other.close()
  await clock.advance(1000)
  expect(database.asked).toBe(1)
  expect(clock.pendingTimers).toBe(0)
})

test('a reading that begins within the head start, and is lost, is tried again', async () => {
  catalogs.opened('a')
  await clock.advance(80)
  // A probe has been answered.
  catalogs.read('a')
  database.lose()
  await clock.advance(50)
  expect(database.asked).toBe(2)
  database.answer()
  await clock.advance(0)
  expect(reads(catalog)).toBe(true)
})

test('as long as it has not been read nothing is a read', async () => {
  expect(reads(catalog)).toBe(false)
  await read()
  expect(reads(catalog)).toBe(true)
  expect(reads(catalogs)).toBe(true)
})

test('it is read anew after a minute, and counts for nothing after five', async () => {
  await read()
  await clock.advance(MINUTE - 1)
  await catalog.read()
  expect(database.asked).toBe(1)
  await clock.advance(1)
  void catalog.read()
  expect(database.asked).toBe(2)
  database.fail()
  await clock.advance(MINUTE)
  await clock.advance(3 * MINUTE - 1)
  expect(reads(catalog)).toBe(true)
  await clock.advance(1)
  expect(reads(catalog)).toBe(false)
  const reading = catalog.read()
  database.answer()
  await reading
  expect(reads(catalog)).toBe(true)
})

test('while one reads it, others wait only if nothing is known yet', async () => {
  const first = catalog.read()
  let waited = false
  const second = catalog.read().then(() => {
    waited = true
  })
  await Promise.resolve()
  expect({ asked: database.asked, waited }).toEqual({ asked: 1, waited: false })
  database.answer()
  await Promise.all([first, second])
  await clock.advance(MINUTE)
  await Promise.all([catalog.read(), catalog.read()])
  expect(database.asked).toBe(2)
})

test('if it cannot be read nothing is known, no event is emitted, and it is tried again a minute later', async () => {
  const reading = catalog.read()
  database.fail()
  await reading
  expect(reads(catalog)).toBe(false)
  await catalog.read()
  expect(database.asked).toBe(1)
  await clock.advance(MINUTE)
  await read()
  expect(reads(catalog)).toBe(true)
})

test('what is no answer of PostgreSQL is none', async () => {
  for (const answer of [{ hidden: undefined } as never, { harmless: 'count' } as never]) {
    await read(answer)
    expect(reads(catalog)).toBe(false)
    await clock.advance(MINUTE)
  }
})

test('if the connection is lost meanwhile, or none was to be had, it is tried again, after longer and longer pauses', async () => {
  const reading = catalog.read()
  database.lose()
  await reading
  for (const pauseMs of [50, 100, 200, 400, 800, 1600, 3200, 6400]) {
    const { asked } = database
    await clock.advance(pauseMs - 1)
    await catalog.read()
    expect(database.asked).toBe(asked)
    await clock.advance(1)
    expect(database.asked).toBe(asked + 1)
    database.lose()
    await clock.advance(0)
  }
  // Then it waits for a sign of life.
  const { asked } = database
  await clock.advance(MINUTE)
  expect(database.asked).toBe(asked)
  await read()
  expect(reads(catalog)).toBe(true)
})

test.each(['57P01', '57P02', '57P03'])(
  'a reading that the server ends by %s is tried again as one whose connection is lost',
  async (code) => {
    const reading = catalog.read()
    database.end(code)
    await reading
    await clock.advance(50)
    expect(database.asked).toBe(2)
    database.answer()
    await clock.advance(0)
    expect(reads(catalog)).toBe(true)
  },
)

test('a change makes all catalogs unknown until they have been read again, which follows by itself', async () => {
  const other = catalogs.of('b', database)
  await read()
  const reading = other.read()
  database.answer()
  await reading
  catalog.invalidate()
  expect([reads(catalog), reads(other), reads(catalogs)]).toEqual([false, false, false])
  for (let change = 0; change < 10; change += 1) {
    await clock.advance(90)
    catalog.invalidate()
  }
  expect(database.asked).toBe(2)
  await clock.advance(1000)
  expect(database.asked).toBe(4)
  database.answer()
  await Promise.all([catalog.read()])
  expect([reads(catalog), reads(other)]).toEqual([true, false])
  expect(reads(catalogs)).toBe(false)
})

test('what was read while it changed is not believed', async () => {
  const reading = catalog.read()
  catalog.invalidate()
  database.answer()
  await reading
  expect(reads(catalog)).toBe(false)
  await clock.advance(1000)
  database.answer()
  await catalog.read()
  expect(reads(catalog)).toBe(true)
})

test('a server that does not answer is given up on, and so is any once the manager is closed', async () => {
  const reasons: unknown[] = []
  const silent = catalogs.of('silent', {
    ask: (_text, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push((signal.reason as Error).message)
          reject(signal.reason)
        })
      }),
  })
  const first = silent.read()
  await clock.advance(10_000)
  await first
  await clock.advance(1000)
  const second = silent.read()
  catalogs.close()
  await second
  expect(reasons).toEqual([
    'the catalog was not read within 10000 ms',
    'the manager has been closed',
  ])
  await clock.advance(MINUTE)
  await silent.read()
  expect(reasons).toHaveLength(2)
  expect(clock.pendingTimers).toBe(0)
})

test('where it is not known where a statement will run, all databases must agree', async () => {
  await read()
  const other = catalogs.of('b', database)
  expect(reads(catalogs)).toBe(true)
  const reading = other.read()
  database.answer({ foreign: ['item'] })
  await reading
  expect([reads(catalog), reads(other), reads(catalogs)]).toEqual([true, false, false])
  expect(catalogs.mayAgree((snapshot) => snapshot === catalog.latest)).toBe(false)
})

test('what is not known yet may turn out well, and what could not be read may not', async () => {
  expect(catalogs.mayAgree(() => true)).toBe(true)
  const reading = catalog.read()
  expect(catalogs.mayAgree(() => true)).toBe(true)
  database.fail()
  await reading
  expect(catalogs.mayAgree(() => true)).toBe(false)
})
