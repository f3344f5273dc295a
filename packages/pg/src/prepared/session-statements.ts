import type { Client } from 'pg'
import {
  type ClientInternals,
  internalsOf,
  type PendingQuery,
  type ServerMessage,
} from '../client-internals.js'
import { isShared } from '../outcome/statement-tracker.js'
import { type Meaning, meaningOf, PLAIN } from './meaning.js'
import {
  begun,
  MAY_PREPARE,
  PLAN,
  type Plan,
  type PlannedQuery,
  type PreparingConnection,
  plan,
  unplan,
  type Wire,
  wireOf,
} from './planned-query.js'
import type { EndpointPreparing } from './preparing.js'
import type { RecurringText } from './recurring-texts.js'
import type { SessionContext } from './session-context.js'
import { type Statement, StatementCache } from './statement-cache.js'
import { PlanTimes } from './times/plan-times.js'
import { isUnprepared } from './unprepared-scope.js'

const NO_SUCH_STATEMENT = '26000'
const DUPLICATE_STATEMENT = '42P05'
const STALE_PLAN = '0A000'
const FINDS_STALE_PLAN = 'RevalidateCachedQuery'
/** Schemas, columns, operators, types: what the names in a statement lead to. */
const OF_NAMES = /^(?:42|3F)/
/** A value that is none of its type, and a number of values. */
const OF_VALUES = /^(?:22|08P01$)/

/** What node-postgres does to go on with the next query. */
interface Pulsing {
  _pulseQueryQueue?(): void
}

/**
 * Prepares on one connection the texts that recur, and runs them by that from then on. It looks at each query at the
 * moment when node-postgres sends it, for only then is it known what has come before it, and gives it a name; the rest is
 * node-postgres' own preparing.
 *
 * A statement is not used once names in it may lead elsewhere: after a text that defines something, on this connection or
 * another of the manager, in another context, or when the server says so. What the server refuses before it has begun,
 * outside of a transaction, runs again unprepared, so that its caller gets the answer of an unprepared one.
 */
export class SessionStatements {
  readonly #client: Client
  readonly #internals: ClientInternals
  readonly #connection: PreparingConnection
  readonly #endpoint: EndpointPreparing
  readonly #context: SessionContext
  readonly #cache = new StatementCache()
  readonly #wire: Wire
  /** Names to be closed on the server with the next statement that is sent. */
  readonly #closings: string[] = []
  /** Texts whose statements had to go, as names may lead elsewhere. */
  #invalidated = new WeakSet<RecurringText>()
  #generation: number
  /** Something was defined by a statement that has been sent, and may not have been committed yet. */
  #defining: Meaning['defines'] = 'no'
  /** Something for this session alone has been defined since it was reset. */
  #definedHere = false
  /** What has been sent to set something by which texts are understood. */
  #setting: PendingQuery | undefined
  /** The query that is given to node-postgres now may be prepared. */
  #given = false
  /** The server has begun with the statement that it is at. */
  #bound = false
  #resetting = false
  #follows = false
  /** Closed by node-postgres, which may yet take them for prepared. */
  readonly #unbound: string[] = []

  /** Undefined for a client whose queries cannot be prepared here. */
  static of(
    client: Client,
    endpoint: EndpointPreparing,
    context: SessionContext,
  ): SessionStatements | undefined {
    const internals = internalsOf(client)
    const { connection, _queryQueue } = internals
    const pulse = (client as unknown as Pulsing)._pulseQueryQueue
    if (connection === undefined || _queryQueue === undefined || pulse === undefined)
      return undefined
    const { parsedStatements, submittedNamedStatements } = connection as PreparingConnection
    if (parsedStatements === undefined || submittedNamedStatements === undefined) return undefined
    return new SessionStatements(client, endpoint, context, connection as PreparingConnection)
  }

  private constructor(
    client: Client,
    endpoint: EndpointPreparing,
    context: SessionContext,
    connection: PreparingConnection,
  ) {
    this.#client = client
    this.#internals = internalsOf(client)
    this.#connection = connection
    this.#endpoint = endpoint
    this.#context = context
    this.#generation = endpoint.generation
    this.#wire = wireOf(connection, this.#closings, (statement) => {
      if (this.#cache.remove(statement)) this.#unbound.push(statement.name)
    })
    endpoint.shared.sessions.add(this)
    const { _pulseQueryQueue } = client as unknown as Required<Pulsing>
    Object.defineProperty(client, '_pulseQueryQueue', {
      value: () => {
        this.#beforeSending()
        _pulseQueryQueue.call(this.#client)
      },
      configurable: true,
      enumerable: false,
      writable: true,
    })
  }

  /** Statements that are prepared. */
  get size(): number {
    return this.#cache.size
  }

  /** About what they take on the server. */
  get bytes(): number {
    return this.#cache.bytes
  }

  /** What is prepared, by its name. */
  get byName(): ReadonlyMap<string, Statement> {
    return this.#cache.byName
  }

  /** What `client.query` is called with now. What a caller submits by itself, such as a cursor, is left alone. */
  given(query: unknown): void {
    const { submit, prepare } = (query ?? {}) as { submit?: unknown; prepare?: unknown }
    if (isShared(query)) this.#given = (query as { mayPrepare?: boolean }).mayPrepare !== false
    else this.#given = submit === undefined && prepare !== false && !isUnprepared()
  }

  /** `client.query` has returned. */
  taken(): void {
    this.#given = false
  }

  /** A query that was not planned here has failed. */
  settingFailed(query: PendingQuery | null | undefined): void {
    if (query != null && query === this.#setting) this.#context.forget()
  }

  /** The server has told of an error of a query. */
  failed(error: ServerMessage, query: PlannedQuery & { [PLAN]: Plan }): void {
    const how = query[PLAN]
    const { statement } = how
    hideName(error, statement.name)
    if (this.#bound) return
    const code = error.code ?? ''
    if (code === NO_SUCH_STATEMENT || code === DUPLICATE_STATEMENT) {
      // Behind one that the server could not prepare, the next of its name is unknown to it.
      const explained = code === NO_SUCH_STATEMENT && !how.reused
      if (!explained) {
        this.#drop()
        this.#endpoint.unexplained(code)
      }
    } else if (!how.reused || !isOfMeaning(error)) return
    else if (OF_VALUES.test(code)) {
      if (how.status !== 'I') this.#remove(statement)
    } else {
      this.#remove(statement)
      this.#endpoint.generation += 1
    }
    how.refused = true
    if (how.status === 'I' && !isShared(query)) this.#runUnprepared(query, statement)
  }

  /** The server has forgotten all statements. */
  forgotten(): void {
    for (const { recurring } of this.#cache.clear()) this.#invalidated.add(recurring)
    this.#closings.length = 0
  }

  /** The server has forgotten a statement, of which it has not told the name. */
  mayHaveForgotten(): void {
    this.#drop()
  }

  /** Statements that are sent from now on put the session back. */
  beginReset(): void {
    this.#resetting = true
  }

  /** The session has been put back to how the login left it. */
  reset(): void {
    this.#resetting = false
    this.#context.reset()
    if (this.#definedHere) this.#drop()
    this.#definedHere = false
  }

  /** The connection is gone. */
  end(): void {
    this.#cache.clear()
    this.#endpoint.shared.sessions.delete(this)
  }

  /** Looks at what node-postgres is about to send. */
  #beforeSending(): void {
    const { pipeline, readyForQuery, _queryQueue = [] } = this.#internals
    const last = _queryQueue.at(-1) as PlannedQuery | undefined
    if (this.#given && last !== undefined) {
      this.#given = false
      last[MAY_PREPARE] = true
    }
    if (pipeline === true) for (const each of _queryQueue) this.#look(each, true)
    else if (readyForQuery === true && _queryQueue[0] !== undefined)
      this.#look(_queryQueue[0], false)
  }

  #look(query: PlannedQuery, pipelined: boolean): void {
    const { text } = query
    if (typeof text !== 'string' || this.#resetting) return
    if (this.#unbound.length > 0 && !pipelined) this.#forgetUnbound()
    // What lanes send is outside of transactions; of other pipelines it is not known.
    const status = pipelined ? (isShared(query) ? 'I' : undefined) : this.#internals._txStatus
    if (status === 'I') this.#outside()
    const { texts } = this.#endpoint.shared
    const extended = isExtended(query)
    const known = texts.get(text)
    if (known?.isPreparable(extended) !== true) {
      const meaning = meaningOf(text)
      if (meaning !== PLAIN) {
        this.#apply(meaning, query, status)
        return
      }
    }
    if (query[MAY_PREPARE] !== true || query.name || !isPlainQuery(query)) {
      known?.times?.ranUnprepared()
      return
    }
    const recurring = known ?? texts.count(text)
    if (recurring?.isPreparable(extended) === true) this.#plan(query, recurring, status)
  }

  #plan(query: PlannedQuery, recurring: RecurringText, status: Plan['status']): void {
    // Nothing of a transaction that has failed is run.
    if (status !== 'I' && status !== 'T') return
    const { permission, generation, shared } = this.#endpoint
    if (!permission.allowed) return
    const { key } = this.#context
    if (key === undefined) return
    if (generation !== this.#generation) this.#drop()
    recurring.times ??= new PlanTimes(shared.clock)
    const { times } = recurring
    let statement = this.#cache.get(key, recurring)
    if (statement === undefined) statement = this.#prepare(key, recurring)
    else if (times.wantsAnew(statement) && this.#isPrepared(statement)) {
      statement = this.#prepareAnew(key, statement)
      times.preparedAnew(statement)
    } else shared.counts.hits += 1
    const timing = times.next(statement, hasValues(query))
    const reused = this.#isPrepared(statement)
    plan(query, { wire: this.#wire, statement, reused, status, timing, refused: false })
  }

  /** The server has confirmed it. */
  #isPrepared({ name }: Statement): boolean {
    return this.#connection.parsedStatements[name] !== undefined
  }

  /** Has the server plan it for its values for some runs. */
  #prepareAnew(key: string, statement: Statement): Statement {
    this.#cache.remove(statement)
    this.#close(statement)
    this.#endpoint.shared.counts.planTrials += 1
    return this.#prepare(key, statement.recurring)
  }

  #prepare(key: string, recurring: RecurringText): Statement {
    this.#follow()
    const { counts } = this.#endpoint.shared
    const [statement, gone] = this.#cache.add(key, this.#endpoint.shared.nextName(), recurring)
    counts.prepares += 1
    if (this.#invalidated.delete(recurring)) counts.rePrepares += 1
    counts.evictions += gone.length
    for (const each of gone) this.#close(each)
    return statement
  }

  #apply(meaning: Meaning, query: PendingQuery, status: string | null | undefined): void {
    const { defines, sets, undoes, forgets } = meaning
    if (forgets || defines !== 'no' || (undoes && this.#defining !== 'no')) this.#drop()
    if (defines !== 'no') {
      this.#follow()
      this.#definedHere ||= defines === 'here'
      this.#defining = this.#defining === 'everywhere' ? 'everywhere' : defines
    }
    if (undoes) this.#context.undone()
    if (sets === undefined) return
    this.#setting = query
    this.#context.set(sets, status)
  }

  /** No transaction is open: what was defined is there for all, or was taken back. */
  #outside(): void {
    this.#context.outside()
    if (this.#defining === 'no') return
    if (this.#defining === 'everywhere') this.#endpoint.generation += 1
    this.#defining = 'no'
    this.#drop()
  }

  /** Uses no more what was prepared so far. */
  #drop(): void {
    this.#generation = this.#endpoint.generation
    for (const statement of this.#cache.clear()) {
      this.#invalidated.add(statement.recurring)
      this.#close(statement)
    }
  }

  #forgetUnbound(): void {
    for (const name of this.#unbound) delete this.#connection.parsedStatements[name]
    this.#unbound.length = 0
  }

  #remove(statement: Statement): void {
    if (!this.#cache.remove(statement)) return
    this.#invalidated.add(statement.recurring)
    this.#close(statement)
  }

  #close({ name }: Statement): void {
    delete this.#connection.parsedStatements[name]
    this.#closings.push(name)
  }

  /** Sends a query again, before any other, that has not begun. */
  #runUnprepared(query: PlannedQuery, statement: Statement): void {
    this.#endpoint.shared.counts.retries += 1
    const own = Object.getOwnPropertyDescriptor(query, 'handleError')
    query.handleError = () => {
      if (own === undefined) delete query.handleError
      else Object.defineProperty(query, 'handleError', own)
      unplan(query)
      this.#invalidateIfDone(query, statement)
      this.#internals._queryQueue?.unshift(query)
    }
  }

  /** A value that an unprepared statement takes, and a prepared one does not, tells that the types have changed. */
  #invalidateIfDone(query: PlannedQuery, statement: Statement): void {
    if (statement.gone) return
    const own = Object.getOwnPropertyDescriptor(query, 'handleReadyForQuery')
    query.handleReadyForQuery = (connection) => {
      if (own === undefined) delete query.handleReadyForQuery
      else Object.defineProperty(query, 'handleReadyForQuery', own)
      this.#remove(statement)
      this.#endpoint.generation += 1
      query.handleReadyForQuery?.(connection)
    }
  }

  /** From the first statement on it matters how far the server is with each. */
  #follow(): void {
    if (this.#follows) return
    this.#follows = true
    this.#connection.on('bindComplete', () => {
      this.#bound = true
    })
    this.#connection.on('noData', () => {
      const statement = (this.#internals._activeQuery as PlannedQuery | null | undefined)?.[PLAN]
        ?.statement
      if (statement !== undefined) statement.fields = null
    })
    this.#connection.on('readyForQuery', ({ status }: { status?: string }) => {
      this.#bound = false
      this.#setting = undefined
      // After node-postgres, which is at the next query now.
      begun(this.#internals._activeQuery)
      if (status === 'I' && this.#defining !== 'no') this.#outside()
    })
  }
}

/** Whether node-postgres sends it by the extended protocol. */
function isExtended(query: PlannedQuery): boolean {
  return hasValues(query) || query.queryMode === 'extended'
}

function hasValues({ values }: PlannedQuery): boolean {
  return Array.isArray(values) && values.length > 0
}

/** Whether it has nothing that node-postgres, or a parser of the user's, would treat in another way if it had a name. */
function isPlainQuery({ values, rows, portal, binary, types, prepare }: PlannedQuery): boolean {
  if (rows || portal || binary || Array.isArray(types) || typeof prepare !== 'function')
    return false
  return values === undefined || values === null || Array.isArray(values)
}

/** Whether an error may be about what was prepared, and not about what is asked. */
function isOfMeaning({ code = '', routine }: ServerMessage): boolean {
  if (code === STALE_PLAN) return routine === FINDS_STALE_PLAN
  return OF_NAMES.test(code) || OF_VALUES.test(code)
}

/** What the server says of a statement without a name. */
function hideName(error: ServerMessage, name: string): void {
  const { message } = error
  if (message?.includes(name) === true)
    Object.assign(error, { message: message.replaceAll(name, '') })
}
