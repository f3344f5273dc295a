import type { WriteEnd } from '@connmgr/core/driver'
import type { TransactionVerb } from '../text/statement-text.js'
import type { InFlight, Stage, Surroundings } from './in-flight.js'

/** A statement on its way. */
export class Followed implements InFlight {
  stage: Stage = 'unsent'
  begun: Surroundings = 'unknown'
  /** To be called with how what it writes has ended, if a unit of work has to know. */
  endWrite: ((end: WriteEnd) => void) | undefined
  /** Its caller has been answered. */
  settled = false

  constructor(
    /** Undefined if it is not known, or may mean something else to the server than to us. */
    readonly text: string | undefined,
    readonly verb: TransactionVerb | undefined,
    readonly transactional: boolean,
    /** Whether it is the engine's. */
    readonly own: boolean,
  ) {}
}
