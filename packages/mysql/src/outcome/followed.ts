import type { Effects, WriteEnd } from '@connmgr/core/driver'
import type { Command } from '../internals.js'
import type { TransactionVerb } from '../text/statement-text.js'
import type { CommandFollower } from './followed-command.js'
import type { InFlight, Stage, Surroundings } from './in-flight.js'
import type { TracedStatement } from './statement-trace.js'

/**
 * A statement on its way. Its fields are set by the constructor for the reason given at `PoolStatement`: there is one for
 * each statement.
 */
export class Followed implements InFlight {
  declare readonly follower: CommandFollower
  /** Undefined if it is not known, or may mean something else to the server than to us. */
  declare readonly text: string | undefined
  declare readonly verb: TransactionVerb | undefined
  declare readonly transactional: boolean
  /** Whether it is the engine's. */
  declare readonly own: boolean
  /** Of the work that sends it, if that may be run again. */
  declare readonly effects: Effects | undefined
  /** What mysql2 sends it by, and answers it by. */
  declare readonly start: NonNullable<Command['start']>
  declare readonly onResult: Command['onResult']
  declare stage: Stage
  declare begun: Surroundings
  /** To be called with how what it writes has ended, if a unit of work has to know. */
  declare endWrite: ((end: WriteEnd) => void) | undefined
  /** For its subscribers, if there are any. */
  declare traced: TracedStatement | undefined
  /** Its caller has been answered. */
  declare settled: boolean

  constructor(
    follower: CommandFollower,
    command: Command,
    text: string | undefined,
    verb: TransactionVerb | undefined,
    transactional: boolean,
    own: boolean,
    effects: Effects | undefined,
  ) {
    this.follower = follower
    this.text = text
    this.verb = verb
    this.transactional = transactional
    this.own = own
    this.effects = effects
    this.start = command.start as NonNullable<Command['start']>
    this.onResult = command.onResult
    this.stage = 'unsent'
    this.begun = 'unknown'
    this.endWrite = undefined
    this.traced = undefined
    this.settled = false
  }
}
