import { notedOrigin, userPath } from '@connmgr/core/driver'
import {
  DataSource,
  EntitySchema,
  type EntitySubscriberInterface,
  EventSubscriber,
  type InsertEvent,
} from 'typeorm'
import { Files } from '../../sqlite/test/files.js'
import { getConnections, withConnectionManager } from './with-connection-manager.js'

interface Note {
  id: number
  text: string
}

const Notes = new EntitySchema<Note>({
  name: 'Note',
  columns: { id: { type: Number, primary: true, generated: true }, text: { type: String } },
})

/** Reads with the entity manager of the event, as subscribers do. */
class CountsNotes implements EntitySubscriberInterface<Note> {
  listenTo(): string {
    return 'Note'
  }

  async beforeInsert({ manager }: InsertEvent<Note>): Promise<void> {
    await manager.count(Notes)
  }
}

EventSubscriber()(CountsNotes)

const files = new Files()
let dataSource: DataSource
/** The function that each statement is taken to be called in, by the first word of the statement. */
let functions: [string, string | undefined][]

beforeEach(async () => {
  dataSource = await new DataSource(
    withConnectionManager(
      {
        type: 'better-sqlite3',
        database: files.path(),
        entities: [Notes],
        subscribers: [CountsNotes],
        synchronize: true,
      },
      { logger: false },
    ),
  ).initialize()
  functions = []
})
afterEach(() => dataSource.destroy())
afterAll(() => files.remove())

function observe(): void {
  getConnections(dataSource, 'better-sqlite3').observeQueries({
    started({ text }) {
      const stack = notedOrigin()?.stack
      const [site] = stack === undefined ? [] : userPath(stack, 1)
      functions.push([text.split(' ')[0] as string, site?.functionName])
    },
  })
}

test('all statements of a call count for it, and those of a subscriber for the subscriber', async () => {
  observe()
  function saves(): Promise<Note> {
    return dataSource.getRepository(Notes).save({ text: 'one' })
  }
  await saves()
  expect(functions.filter(([word]) => /^(?:BEGIN|INSERT|COMMIT)$/i.test(word))).toEqual([
    ['BEGIN', 'saves'],
    ['INSERT', 'saves'],
    ['COMMIT', 'saves'],
  ])
  expect(functions.filter(([word]) => word === 'SELECT')).toContainEqual([
    'SELECT',
    'CountsNotes.beforeInsert',
  ])
})

test('builders and texts count for the line that runs them', async () => {
  observe()
  const notes = dataSource.getRepository(Notes)
  const built = notes.createQueryBuilder('n').where('n.id > 0')
  const runs = {
    many: () => built.getMany(),
    count: () => built.getCount(),
    update: () => notes.createQueryBuilder().update().set({ text: 'two' }).execute(),
    query: () => dataSource.query('select 1'),
    inTransaction: () =>
      dataSource.transaction(async (entities) => {
        const read = () => entities.findBy(Notes, { id: 1 })
        await read()
      }),
  }
  for (const run of Object.values(runs)) await run()
  const named = functions.filter(([word]) => !/^(?:BEGIN|COMMIT)$/i.test(word))
  expect(named.map(([, name]) => name)).toEqual(['many', 'count', 'update', 'query', 'read'])
})

test('the queries of a DataSource without a manager go on as before', async () => {
  const other = await new DataSource({
    type: 'better-sqlite3',
    database: ':memory:',
    entities: [Notes],
    synchronize: true,
  }).initialize()
  observe()
  await other.getRepository(Notes).save({ text: 'one' })
  expect(await other.getRepository(Notes).count()).toBe(1)
  expect(functions).toEqual([])
  await other.destroy()
})
