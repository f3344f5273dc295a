import { RecordedQueries, type RecordedQuery } from '../recorded-queries.js'

/** A library over a manager, as the suite drives it. */
export interface PublishingSubject {
  readonly manager: { readonly id: number; readonly name: string; close(): Promise<unknown> }
  /** Runs one statement that reads two rows, and nothing else. */
  read(): Promise<unknown>
  /** Runs one statement that the server refuses. Rejects. */
  fail(): Promise<unknown>
  /**
   * Reads as {@link read} does twice, one after the other, in one transaction, and then calls `finish`: where that throws,
   * the transaction is rolled back, and this rejects.
   */
  transact(finish: () => void): Promise<unknown>
  /** The text of what it reads. */
  readonly text: RegExp
  /** `@default` closes the manager */
  close?(): Promise<unknown>
}

const WHOLE = ['start', 'end', 'asyncStart', 'asyncEnd']
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd']
const BEGINS = /^\s*(?:begin|start transaction)/i
const ENDS = { commit: /^\s*commit/i, rollback: /^\s*rollback/i } as const

/**
 * What is published on `connmgr:query` of a library that runs over a manager: each of its statements once and whole, with
 * its text, in the flow of the caller, on a lease that the statements of a transaction share.
 */
export function describePublishedQueries(
  name: string,
  open: () => PublishingSubject | Promise<PublishingSubject>,
): void {
  describe(`what is published of ${name}`, () => {
    let subject: PublishingSubject
    let queries: RecordedQueries

    beforeAll(async () => {
      subject = await open()
      // Whatever a library asks at its start is over.
      await subject.read()
      queries = new RecordedQueries(({ manager }) => manager === subject.manager.id)
    })
    beforeEach(() => queries.clear())
    afterAll(async () => {
      queries?.stop()
      await (subject?.close?.() ?? subject?.manager.close())
    })

    test('a statement is published once, whole, in the flow of its caller', async () => {
      // A query of an ORM may begin when it is awaited.
      await queries.inFlow('request 7', async () => await subject.read())
      expect(queries.all).toHaveLength(1)
      const [query] = queries.all as [RecordedQuery]
      expect(query).toMatchObject({
        messages: WHOLE,
        pool: subject.manager.name,
        text: expect.stringMatching(subject.text),
        flow: 'request 7',
      })
      expect(query.connectionId).toBeGreaterThan(0)
      expect(query.lease).toBeGreaterThan(0)
      expect(query.waitMs).toBeGreaterThanOrEqual(0)
      expect(query.runMs).toBeGreaterThan(0)
      expect(query).not.toHaveProperty('transaction')
      expect(query.rowCount).toBe(2)
    })

    test('a statement that fails is published once, with its error', async () => {
      await expect(subject.fail()).rejects.toBeDefined()
      expect(queries.all).toHaveLength(1)
      expect(queries.all[0]).toMatchObject({ messages: FAILED })
      const { error } = queries.all[0] as RecordedQuery
      expect((error as Error).message).toMatch(/no_such/)
    })

    test.each(['commit', 'rollback'] as const)(
      'the statements of a transaction that ends by %s share its number and its lease',
      async (end) => {
        const running = queries.inFlow('request 8', async () => {
          await subject.transact(() => {
            if (end === 'rollback') throw new Error('undo')
          })
        })
        await running.then(
          () => expect(end).toBe('commit'),
          () => expect(end).toBe('rollback'),
        )
        const ofTransaction = queries.all.filter(({ transaction }) => transaction !== undefined)
        expect(ofTransaction.map(({ text }) => text)).toEqual([
          expect.stringMatching(BEGINS),
          expect.stringMatching(subject.text),
          expect.stringMatching(subject.text),
          expect.stringMatching(ENDS[end]),
        ])
        const boundaries = ofTransaction.map(({ transaction }) => transaction?.boundary)
        expect(boundaries).toEqual(['begin', undefined, undefined, end])
        const shared = (read: (query: RecordedQuery) => unknown) =>
          new Set(ofTransaction.map(read)).size
        expect(shared(({ transaction }) => transaction?.id)).toBe(1)
        expect(shared(({ lease }) => lease)).toBe(1)
        expect(shared(({ flow }) => flow)).toBe(1)
        for (const { messages } of queries.all) {
          expect(messages[0]).toBe('start')
          // What a synchronous library runs has ended before the call returns.
          expect([...messages].sort()).toEqual([...WHOLE].sort())
        }
      },
    )
  })
}
