import fc from 'fast-check'
import { STATEMENTS, type Statement, type StatementClass } from './statements.js'

/** One caller, and how it sends its statements. */
export interface Caller {
  readonly via: 'pool' | 'client' | 'use' | 'transaction' | 'unit'
  readonly statements: readonly Statement[]
  /** All in one tick, instead of each after the answer to the one before. */
  readonly queued: boolean
  /** By something that was made outside of the caller's work, and sends in a flow of its own. */
  readonly gathered: boolean
  readonly replay: 'never' | 'safe'
  /** What the work does with the first error, and how it ends. */
  readonly ignores: boolean
  readonly throwsOnce: boolean
}

const statement = fc
  .record({
    is: fc.oneof(
      { weight: 4, arbitrary: fc.constant<StatementClass>('insert') },
      { weight: 2, arbitrary: fc.constantFrom<StatementClass>('begin', 'commit', 'rollback') },
      { weight: 3, arbitrary: fc.constantFrom(...(Object.keys(STATEMENTS) as StatementClass[])) },
    ),
    extended: fc.boolean(),
  })
  .map(({ is, extended }) => ({
    is,
    row: 0,
    // Only one statement at a time can be sent so.
    extended: extended && !is.startsWith('several'),
  }))

const caller: fc.Arbitrary<Caller> = fc.record({
  via: fc.constantFrom(
    'pool',
    'pool',
    'client',
    'client',
    'use',
    'transaction',
    'transaction',
    'unit',
  ),
  statements: fc.array(statement, { minLength: 1, maxLength: 6 }),
  queued: fc.boolean(),
  gathered: fc.boolean(),
  replay: fc.constantFrom('never', 'safe'),
  ignores: fc.boolean(),
  throwsOnce: fc.boolean(),
})

export const callers = fc.array(caller, { minLength: 1, maxLength: 4 })

/** How the pool is made. */
export interface Options {
  readonly max: number
  readonly shared: boolean
  /** Whether statements have a time limit. */
  readonly limited: boolean
  readonly replayStatements: 'never' | 'safe'
}

export const options: fc.Arbitrary<Options> = fc.record({
  max: fc.integer({ min: 1, max: 3 }),
  shared: fc.boolean(),
  limited: fc.boolean(),
  replayStatements: fc.constantFrom('never', 'safe'),
})
