import { EventEmitter } from 'node:events'
import type { Lease } from '@connmgr/core'
import { FakeClock } from '@connmgr/testing'
import type { Client } from 'pg'
import type { EndpointCatalog } from '../catalog/catalog.js'
import { Lanes, type LanesSource } from './lanes.js'
import type { Caller, SharedQuery, SharedQueryClass } from './shared-query.js'
import type { SharedStatement } from './statement.js'

const CALLER: Caller = { resolve: () => {}, reject: () => {} }
const BELOW = () => {}

/** What a lane asks of a query, and no more. */
class Query {
  lane: SharedQuery['lane']
  expectedMs = 0
  dueAt = 0
  timer = undefined
  timeoutMs = undefined
  abandoned = false

  constructor(
    readonly text: unknown,
    _values: unknown,
    readonly statement: SharedStatement,
  ) {}

  tell(): void {}
}

/** A connection that answers when the test says so. */
class Connection extends EventEmitter {
  pipeline = false
  readonly sent: SharedQuery[] = []

  query(query: SharedQuery): void {
    this.sent.push(query)
  }

  /** The server has come to the end of the first. */
  answer(): void {
    const query = this.sent.shift() as SharedQuery
    query.lane?.ended(query, true)
  }

  get texts(): string[] {
    return this.sent.map((each) => (each as unknown as Query).text as string)
  }
}

function statementOf(expectedMs: number): SharedStatement {
  return {
    expectedMs,
    slow: false,
    isShareable: () => true,
    mayBeShareable: () => true,
    ran: () => {},
  }
}

function open(lanes: number) {
  const connections: Connection[] = []
  const clock = new FakeClock()
  const source: LanesSource = {
    wanted: {},
    lender: {
      acquire: async () => {
        const connection = new Connection()
        connections.push(connection)
        const entry = { connection, doomed: undefined }
        return { entry, isSuspect: () => false, release: () => {} } as unknown as Lease<Client>
      },
      lend: (lease) => lease.entry.connection,
      takeBack: () => {},
      catalogs: {} as LanesSource['lender']['catalogs'],
    },
    catalogOf: () => ({ latest: {}, read: async () => {} }) as unknown as EndpointCatalog,
    counts: () => ({
      total: connections.length,
      idle: 0,
      inUse: connections.length,
      testing: 0,
      cleaning: 0,
      connecting: 0,
      waiting: 0,
      overflow: 0,
      limit: 10,
    }),
  }
  const opened = new Lanes(source, {
    options: { lanes, depth: 64 },
    clock,
    Query: Query as unknown as SharedQueryClass,
  })
  return {
    clock,
    connections,
    add: (name: string, expectedMs: number) =>
      opened.add(name, undefined, statementOf(expectedMs), CALLER, BELOW),
    settled: () => new Promise(setImmediate),
  }
}

test('a query goes to the lane with the least work before it, not to the one with the fewest queries', async () => {
  const { add, connections, settled } = open(2)
  add('heavy', 3)
  add('light 0', 0.1)
  await settled()
  for (let n = 1; n <= 5; n += 1) add(`light ${n}`, 0.1)
  const [one, two] = connections as [Connection, Connection]
  expect(one.texts).toEqual(['heavy'])
  expect(two.texts).toEqual(['light 0', 'light 1', 'light 2', 'light 3', 'light 4', 'light 5'])
  // Still the shorter wait, by 0.6 ms to 3.
  add('heavy 2', 3)
  expect(two.texts.at(-1)).toBe('heavy 2')
  add('light 6', 0.1)
  expect(one.texts).toEqual(['heavy', 'light 6'])
})

test('what has been answered is no work any more', async () => {
  const { add, connections, settled } = open(2)
  add('heavy', 3)
  add('other', 1)
  await settled()
  const [one, two] = connections as [Connection, Connection]
  expect([one.texts, two.texts]).toEqual([['heavy'], ['other']])
  add('first', 0.5)
  expect(two.texts).toEqual(['other', 'first'])
  one.answer()
  add('second', 0.5)
  expect(one.texts).toEqual(['second'])
})

test('a second lane is opened once the work on the first is worth it, and not for a few short queries', async () => {
  const { add, connections, settled } = open(4)
  add('first', 0.05)
  await settled()
  for (let n = 0; n < 10; n += 1) add(`short ${n}`, 0.05)
  expect(connections).toHaveLength(1)
  for (let n = 0; n < 4; n += 1) add(`more ${n}`, 0.05)
  await settled()
  expect(connections).toHaveLength(2)
})

test('a lane whose query runs for longer than expected gets no more while there is another', async () => {
  const { add, clock, connections, settled } = open(2)
  add('stuck', 0.05)
  await settled()
  await clock.advance(25)
  add('next', 0.05)
  await settled()
  const [one, two] = connections as [Connection, Connection]
  expect(one.texts).toEqual(['stuck'])
  expect(two.texts).toEqual(['next'])
  for (let n = 0; n < 5; n += 1) add(`after ${n}`, 2)
  expect(one.texts).toEqual(['stuck'])
})
