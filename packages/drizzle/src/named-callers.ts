import {
  CaptureBudget,
  type CapturedStack,
  calledFrom,
  type FunctionReference,
  type StatementTracer,
  systemClock,
} from '@connmgr/core/driver'

type Method = (...args: unknown[]) => unknown

/** What drizzle-orm keeps on a database, a transaction and a relational query builder beyond their declared surface. */
interface Databaselike {
  session?: object
  transaction?: (work: (tx: object) => unknown, ...options: unknown[]) => unknown
  readonly query?: Readonly<Record<string, Databaselike>>
}

/** How a session prepares a statement, and how that is run, in the databases of drizzle. */
const PREPARES = ['prepareQuery', 'prepareOneTimeQuery', 'prepareRelationalQuery']
const RUNS = ['execute', 'run', 'all', 'get', 'values', 'iterator']

const budget = new CaptureBudget(systemClock)

/** Tells whether statements are watched. */
type Watching = Pick<StatementTracer, 'active'>

/**
 * Notes where each statement is written, also in transactions, for observers of the manager's statements: drizzle begins a statement when it is
 * awaited, in a turn of its own, whose stack reaches no caller. All builders ask their database for its session when they
 * are made, which is in the caller's own call. Costs a look at the tracer while there is no observer.
 */
export function nameCallers<T extends object>(db: T, queries: Watching): T {
  nameSession(db, queries)
  nameTransactions(db, queries)
  const { query } = db as Databaselike
  if (typeof query === 'object' && query !== null)
    for (const each of Object.values(query))
      if (typeof each === 'object') nameSession(each, queries)
  return db
}

function nameSession(holder: Databaselike, queries: Watching): void {
  const described = Object.getOwnPropertyDescriptor(holder, 'session')
  const session: unknown = described?.value
  if (described?.configurable !== true || typeof session !== 'object' || session === null) return
  let current = session
  function read(): object {
    if (!queries.active || !budget.sample(systemClock.now())) return current
    return sessionOf(current, budget.capture(read as FunctionReference))
  }
  Object.defineProperty(holder, 'session', {
    configurable: true,
    enumerable: described.enumerable === true,
    get: read,
    set: (value: object) => {
      current = value
    },
  })
}

/** The database of a transaction, and of one within it, has a session of its own. */
function nameTransactions(db: Databaselike, queries: Watching): void {
  const { transaction } = db
  if (typeof transaction !== 'function') return
  Object.defineProperty(db, 'transaction', {
    configurable: true,
    enumerable: false,
    writable: true,
    value(this: Databaselike, work: (tx: object) => unknown, ...options: unknown[]) {
      return transaction.call(this, (tx) => work(nameCallers(tx, queries)), ...options)
    },
  })
}

/** The session, whose statements are called for where `stack` was captured. */
function sessionOf(session: object, stack: CapturedStack): object {
  const methods = session as Readonly<Record<string, Method | undefined>>
  const named: Record<string, PropertyDescriptor> = {}
  for (const name of PREPARES) {
    const prepare = methods[name]
    if (typeof prepare !== 'function') continue
    named[name] = {
      value(this: unknown, ...args: unknown[]) {
        const prepared = prepare.apply(this, args) as Record<string, unknown>
        for (const run of RUNS) nameRun(prepared, run, stack)
        return prepared
      },
    }
  }
  return Object.create(session, named)
}

function nameRun(prepared: Record<string, unknown>, name: string, stack: CapturedStack): void {
  const run = prepared[name]
  if (typeof run !== 'function') return
  prepared[name] = (...args: unknown[]) => calledFrom(stack, () => run.apply(prepared, args))
}
