import type { Client } from 'pg'
import {
  type ClientInternals,
  internalsOf,
  type PendingQuery,
  type ServerMessage,
} from '../client-internals.js'
import { isShared } from '../given-query.js'
import { ConnectionStatements } from './connection-statements.js'
import { callsOneOf, NONE } from './defining-calls.js'
import { DEFINES_HERE, type Meaning, meaningOf, PLAIN } from './meaning.js'
import {
  begun,
  MAY_PREPARE,
  PLAN,
  type Plan,
  type PlannedQuery,
  type PreparingConnection,
  plan,
} from './planned-query.js'
import type { EndpointPreparing } from './preparing.js'
import type { RecurringText } from './recurring-texts.js'
import { RefusedRuns } from './refused-runs.js'
import type { SessionContext } from './session-context.js'
import type { Statement } from './statement-cache.js'
import { PlanTimes } from './times/plan-times.js'
import { isUnprepared } from './unprepared-scope.js'

/** What is known of the functions of the database. */
interface KnownFunctions {
  /** Those that make, alter or drop something. In lower case. */
  readonly defining: ReadonlySet<string>
}

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
  readonly #functions: KnownFunctions | undefined
  readonly #statements: ConnectionStatements
  readonly #refusals: RefusedRuns
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

  /** Undefined for a client whose queries cannot be prepared here. */
  static of(
    client: Client,
    endpoint: EndpointPreparing,
    context: SessionContext,
    functions: KnownFunctions | undefined,
  ): SessionStatements | undefined {
    const internals = internalsOf(client)
    const { connection, _queryQueue } = internals
    const pulse = (client as unknown as Pulsing)._pulseQueryQueue
    if (connection === undefined || _queryQueue === undefined || pulse === undefined)
      return undefined
    const { parsedStatements, submittedNamedStatements } = connection as PreparingConnection
    if (parsedStatements === undefined || submittedNamedStatements === undefined) return undefined
    return new SessionStatements(
      client,
      endpoint,
      context,
      functions,
      connection as PreparingConnection,
    )
  }

  private constructor(
    client: Client,
    endpoint: EndpointPreparing,
    context: SessionContext,
    functions: KnownFunctions | undefined,
    connection: PreparingConnection,
  ) {
    this.#client = client
    this.#internals = internalsOf(client)
    this.#connection = connection
    this.#endpoint = endpoint
    this.#context = context
    this.#functions = functions
    this.#statements = new ConnectionStatements(connection, endpoint)
    this.#refusals = new RefusedRuns(this.#statements, endpoint, this.#internals)
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
    return this.#statements.size
  }

  /** About what they take on the server. */
  get bytes(): number {
    return this.#statements.bytes
  }

  /** What is prepared, by its name. */
  get byName(): ReadonlyMap<string, Statement> {
    return this.#statements.byName
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

  /** The server has answered a query with an error. */
  failed(error: ServerMessage, query: PlannedQuery & { [PLAN]: Plan }): void {
    hideName(error, query[PLAN].statement.name)
    if (!this.#bound) this.#refusals.refused(error, query)
  }

  /** The server has forgotten all statements. */
  forgotten(): void {
    this.#statements.forgotten()
  }

  /** The server has forgotten a statement, and has not said which. */
  mayHaveForgotten(): void {
    this.#statements.drop()
  }

  /** Statements that are sent from now on put the session back. */
  beginReset(): void {
    this.#resetting = true
  }

  /** The session has been put back to how the login left it. */
  reset(): void {
    this.#resetting = false
    this.#context.reset()
    if (this.#definedHere) this.#statements.drop()
    this.#definedHere = false
  }

  /** The connection is gone. */
  end(): void {
    this.#statements.end()
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
    if (!pipelined) this.#statements.forgetUnbound()
    // What lanes send is outside of transactions; of other pipelines it is not known.
    const status = pipelined ? (isShared(query) ? 'I' : undefined) : this.#internals._txStatus
    if (status === 'I') this.#outside()
    const { texts } = this.#endpoint.shared
    const extended = isExtended(query)
    const known = texts.get(text)
    const defining = this.#functions?.defining ?? NONE
    const defines = defining.size > 0 && (known?.callsOneOf(defining) ?? callsOneOf(text, defining))
    if (defines) this.#apply(DEFINES_HERE, query, status)
    if (known?.isPreparable(extended) !== true) {
      const meaning = meaningOf(text)
      if (meaning !== PLAIN) {
        this.#apply(meaning, query, status)
        return
      }
    }
    if (defines || query[MAY_PREPARE] !== true || query.name || !isPlainQuery(query)) {
      known?.times?.ranUnprepared()
      return
    }
    const recurring = known ?? texts.count(text)
    if (recurring?.isPreparable(extended) === true) this.#plan(query, recurring, status)
  }

  #plan(query: PlannedQuery, recurring: RecurringText, status: Plan['status']): void {
    // Nothing of a transaction that has failed is run.
    if (status !== 'I' && status !== 'T') return
    const { permission, shared } = this.#endpoint
    if (!permission.allowed) return
    // A pooler does not prepare a text anew that its server knows from before what this transaction has defined.
    if (this.#endpoint.isPooled && this.#defining !== 'no') return
    const { key } = this.#context
    if (key === undefined) return
    recurring.times ??= new PlanTimes(shared.clock)
    const { times } = recurring
    let statement = this.#statements.get(key, recurring)
    if (statement === undefined) {
      this.#follow()
      statement = this.#statements.prepare(key, recurring)
    } else if (times.wantsAnew(statement) && this.#statements.isPrepared(statement)) {
      statement = this.#statements.prepareAnew(key, statement)
      times.preparedAnew(statement)
    } else shared.counts.hits += 1
    const timing = times.next(statement, hasValues(query))
    const reused = this.#statements.isPrepared(statement)
    plan(query, { wire: this.#statements.wire, statement, reused, status, timing, refused: false })
  }

  #apply(meaning: Meaning, query: PendingQuery, status: string | null | undefined): void {
    const { defines, sets, undoes, forgets } = meaning
    if (forgets || defines !== 'no' || (undoes && this.#defining !== 'no')) this.#statements.drop()
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
    if (this.#defining === 'everywhere') this.#endpoint.outdate()
    this.#defining = 'no'
    this.#statements.drop()
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
      if (statement?.pooled === false) statement.fields = null
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

/** Has an error read as the one of a statement without a name would. */
function hideName(error: ServerMessage, name: string): void {
  const { length, message } = error
  if (message?.includes(name) !== true) return
  const own = message.replaceAll(name, '')
  // Of the server's message in bytes; names are of ASCII.
  const shorter = message.length - own.length
  Object.assign(error, {
    message: own,
    ...(length === undefined ? {} : { length: length - shorter }),
  })
}
