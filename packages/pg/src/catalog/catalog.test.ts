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
    this.#answers.shift()?.reject(new Error('permission denied'))
  }
}

let clock: FakeClock
let catalogs: Catalogs
let catalog: EndpointCatalog
let database: Database

beforeEach(() => {
  clock = new FakeClock()
  catalogs = new Catalogs(clock)
  catalog = catalogs.of('a')
  database = new Database()
})

async function read(answer?: Partial<CatalogAnswer>): Promise<void> {
  const reading = catalog.readIfDue(database)
  database.answer(answer)
  await reading
}

test('as long as it has not been read nothing is a read', async () => {
  expect(reads(catalog)).toBe(false)
  await read()
  expect(reads(catalog)).toBe(true)
  expect(reads(catalogs)).toBe(true)
})

test('it is read anew after a minute, and counts for nothing after five', async () => {
  await read()
  await clock.advance(MINUTE - 1)
  await catalog.readIfDue(database)
  expect(database.asked).toBe(1)
  await clock.advance(1)
  const reading = catalog.readIfDue(database)
  expect(database.asked).toBe(2)
  await clock.advance(4 * MINUTE - 1)
  expect(reads(catalog)).toBe(true)
  await clock.advance(1)
  expect(reads(catalog)).toBe(false)
  database.answer()
  await reading
  expect(reads(catalog)).toBe(true)
})

test('while one reads it, others wait only if nothing is known yet', async () => {
  const first = catalog.readIfDue(database)
  let waited = false
  const second = catalog.readIfDue(database).then(() => {
    waited = true
  })
  await Promise.resolve()
  expect({ asked: database.asked, waited }).toEqual({ asked: 1, waited: false })
  database.answer()
  await Promise.all([first, second])
  await clock.advance(MINUTE)
  const third = catalog.readIfDue(database)
  await catalog.readIfDue(database)
  expect(database.asked).toBe(2)
  database.answer()
  await third
})

test('if it cannot be read nothing is known, nobody hears of it, and it is tried again a minute later', async () => {
  const reading = catalog.readIfDue(database)
  database.fail()
  await reading
  expect(reads(catalog)).toBe(false)
  await catalog.readIfDue(database)
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

test('a change makes all catalogs unknown until they are read again, which they are at once', async () => {
  const other = catalogs.of('b')
  await read()
  const reading = other.readIfDue(database)
  database.answer()
  await reading
  catalog.invalidate()
  expect([reads(catalog), reads(other), reads(catalogs)]).toEqual([false, false, false])
  await read()
  expect([reads(catalog), reads(other)]).toEqual([true, false])
})

test('what was read while it changed is not believed', async () => {
  const reading = catalog.readIfDue(database)
  catalog.invalidate()
  database.answer()
  await reading
  expect(reads(catalog)).toBe(false)
  await read()
  expect(reads(catalog)).toBe(true)
})

test('where it is not known where a statement will run, all databases must agree', async () => {
  await read()
  const other = catalogs.of('b')
  expect(reads(catalogs)).toBe(true)
  const reading = other.readIfDue(database)
  database.answer({ foreign: ['item'] })
  await reading
  expect([reads(catalog), reads(other), reads(catalogs)]).toEqual([true, false, false])
  expect(catalogs.mayAgree((snapshot) => snapshot === catalog.latest)).toBe(false)
})

test('what is not known yet may turn out well, and what could not be read may not', async () => {
  expect(catalogs.mayAgree(() => true)).toBe(true)
  const reading = catalog.readIfDue(database)
  expect(catalogs.mayAgree(() => true)).toBe(true)
  database.fail()
  await reading
  expect(catalogs.mayAgree(() => true)).toBe(false)
})
