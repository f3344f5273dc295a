import { type PreparingConnection, type Wire, wireOf } from './planned-query.js'
import type { EndpointPreparing } from './preparing.js'
import type { RecurringText } from './recurring-texts.js'
import { type Statement, StatementCache } from './statement-cache.js'

/** The statements of one connection by their names: which it has, and which are to be closed on the server. */
export class ConnectionStatements {
  /** The connection as queries see it that run by one of these statements. */
  readonly wire: Wire
  readonly #connection: PreparingConnection
  readonly #endpoint: EndpointPreparing
  readonly #cache = new StatementCache()
  /** Names to be closed on the server with the next statement that is sent. */
  readonly #closings: string[] = []
  /** Closed by node-postgres, which may yet take them for prepared. */
  readonly #unbound: string[] = []
  /** Texts whose statements had to go, as names may lead elsewhere. */
  #invalidated = new WeakSet<RecurringText>()
  #generation: number

  constructor(connection: PreparingConnection, endpoint: EndpointPreparing) {
    this.#connection = connection
    this.#endpoint = endpoint
    this.#generation = endpoint.generation
    this.wire = wireOf(connection, this.#closings, (statement) => {
      if (this.#cache.remove(statement)) this.#unbound.push(statement.name)
    })
  }

  get size(): number {
    return this.#cache.size
  }

  /** About what they take on the server. */
  get bytes(): number {
    return this.#cache.bytes
  }

  get byName(): ReadonlyMap<string, Statement> {
    return this.#cache.byName
  }

  /** The statement for a text in a context, if there is one that may still be used. */
  get(context: string, recurring: RecurringText): Statement | undefined {
    if (this.#endpoint.generation !== this.#generation) this.drop()
    return this.#cache.get(context, recurring)
  }

  /** The server has confirmed it. */
  isPrepared({ name }: Statement): boolean {
    return this.#connection.parsedStatements[name] !== undefined
  }

  /** Names a statement for a text, which the server prepares when it is first sent. */
  prepare(context: string, recurring: RecurringText): Statement {
    const { isPooled: pooled, mark, shared } = this.#endpoint
    const name = shared.nextName()
    const [statement, gone] = this.#cache.add(context, { name, recurring, mark, pooled })
    shared.counts.prepares += 1
    if (this.#invalidated.delete(recurring)) shared.counts.rePrepares += 1
    shared.counts.evictions += gone.length
    for (const each of gone) this.#close(each)
    return statement
  }

  /** Has the server plan a statement for its values for some runs. */
  prepareAnew(context: string, statement: Statement): Statement {
    this.#cache.remove(statement)
    this.#close(statement)
    this.#endpoint.shared.counts.planTrials += 1
    return this.prepare(context, statement.recurring)
  }

  /** Uses a statement no more. */
  remove(statement: Statement): void {
    if (!this.#cache.remove(statement)) return
    this.#invalidated.add(statement.recurring)
    this.#close(statement)
  }

  /** Uses no more what was prepared so far. */
  drop(): void {
    this.#generation = this.#endpoint.generation
    for (const statement of this.#cache.clear()) {
      this.#invalidated.add(statement.recurring)
      this.#close(statement)
    }
  }

  /** The server has forgotten all of them. */
  forgotten(): void {
    for (const { recurring } of this.#cache.clear()) this.#invalidated.add(recurring)
    this.#closings.length = 0
  }

  /** Has node-postgres forget what it has closed itself. Not while queries wait that it has sent. */
  forgetUnbound(): void {
    // To set the length of an array is a call of V8's runtime, and this is for each query.
    if (this.#unbound.length === 0) return
    for (const name of this.#unbound) delete this.#connection.parsedStatements[name]
    this.#unbound.length = 0
  }

  /** The connection is gone. */
  end(): void {
    this.#cache.clear()
  }

  #close({ name }: Statement): void {
    delete this.#connection.parsedStatements[name]
    this.#closings.push(name)
  }
}
