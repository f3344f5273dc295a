import type { Client } from 'pg'
import { fateOf } from '../in-flight.js'
import type { Scenario } from '../scenario.js'

const ROWS = 100

/** What node-postgres calls while rows are copied in. */
interface CopyConnection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** A COPY FROM STDIN that sends some rows, and then waits for the signal to end. */
class Copy {
  readonly text = 'copy ledger (id, orm) from stdin'
  readonly begun: Promise<void>
  readonly ended: Promise<void>
  #connection: CopyConnection | undefined
  #begin = (): void => {}
  #end = (): void => {}
  #fail = (_error: unknown): void => {}

  constructor() {
    this.begun = new Promise((resolve) => {
      this.#begin = resolve
    })
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve
      this.#fail = reject
    })
  }

  finish(): void {
    this.#connection?.endCopyFrom()
  }

  submit(connection: CopyConnection): void {
    this.#connection = connection
    connection.query(this.text)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    for (let row = 0; row < ROWS; row += 1)
      connection.sendCopyFromChunk(Buffer.from(`copied ${row}\tpg\n`))
    this.#begin()
  }

  handleError(error: unknown): void {
    this.#fail(error)
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#end()
  }
}

async function copyOn(client: Client): Promise<Copy> {
  const copy = new Copy()
  client.query(copy as unknown as Parameters<Client['query']>[0])
  await copy.begun
  return copy
}

/** Rows that are being copied when the server dies are lost or not as any write is, and their connection is never lent again. */
export const scenario: Scenario = {
  id: 54,
  name: 'COPY in progress when the server is left',
  throughOrm: false,
  async run(context) {
    const service = await context.service({ load: false, proxied: true })
    const { manager, primary } = service
    context.step('a COPY that comes to its end')
    await manager.use(async (client) => {
      const copy = await copyOn(client)
      copy.finish()
      await copy.ended
    })
    context.step('two that do not: by itself, and in a transaction')
    const alone = await manager.acquire()
    const within = await manager.acquire()
    await within.connection.query('begin')
    const copies = [await copyOn(alone.connection), await copyOn(within.connection)]
    const fates = Promise.all(copies.map((copy) => fateOf(copy.ended)))
    service.proxyOf(primary).reset()
    const reported = (await fates).join(', ')
    context.expect(
      reported === 'unknown, aborted',
      `the statements of the callers ended as: ${reported}`,
    )
    alone.release()
    within.release()
    context.step('one that is given back unfinished')
    const forgotten = await manager.acquire()
    const copy = await copyOn(forgotten.connection)
    const abandoned = fateOf(copy.ended)
    forgotten.release()
    await abandoned
    const { rows } = await manager.pool.query(
      "select count(*)::int as n from ledger where orm = 'pg'",
    )
    context.expect(rows[0].n === ROWS, `${rows[0].n} rows were copied, not ${ROWS}`)
    context.expect(manager.getPoolMetrics().checkedOut === 0, 'a connection was not given back')
    return service.finish(primary)
  },
}
