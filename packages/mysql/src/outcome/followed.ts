import type { Effects, WriteEnd } from '@connmgr/core/driver'
import type { Command } from '../internals.js'
import type { TransactionVerb } from '../text/statement-text.js'
import type { InFlight, Stage, Surroundings } from './in-flight.js'

/** A statement on its way. */
export class Followed implements InFlight {
  stage: Stage = 'unsent'
  begun: Surroundings = 'unknown'
  /** To be called with how what it writes has ended, if a unit of work has to know. */
  endWrite: ((end: WriteEnd) => void) | undefined = undefined
  /** Its caller has been answered. */
  settled = false

  constructor(
    /** Undefined if it is not known, or may mean something else to the server than to us. */
    readonly text: string | undefined,
    readonly verb: TransactionVerb | undefined,
    readonly transactional: boolean,
    /** Whether it is the engine's. */
    readonly own: boolean,
    /** Of the work that sends it, if that may be run again. */
    readonly effects: Effects | undefined,
    /** What mysql2 sends it by, and answers it by. */
    readonly start: NonNullable<Command['start']>,
    readonly onResult: Command['onResult'],
  ) {}
}
