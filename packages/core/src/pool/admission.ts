import type { Role } from '../driver/contract.js'
import { ValidationFailedError } from '../errors.js'
import type { CallerQueue } from './caller-queue.js'
import type { ConnectPace } from './connect-pace.js'
import type { Connections } from './connections.js'
import type { PoolContext } from './context.js'
import type { Drain } from './drain.js'
import type { PoolEntry } from './entry.js'
import type { Fitness } from './fitness.js'
import type { Lending } from './lending.js'
import type { NextSteps } from './next-steps.js'
import type { RoleTrust } from './role-trust.js'
import type { Testing } from './testing.js'

export interface AdmissionParts<C extends object> {
  readonly connections: Connections<C>
  readonly pace: ConnectPace<C>
  readonly drain: Drain
  readonly fitness: Fitness<C>
  readonly lending: Lending<C>
  readonly queue: CallerQueue<C>
  readonly testing: Testing<C>
  readonly trust: RoleTrust
}

/** Decides whether a connection that is new, or has just been tested or cleaned, may be lent. */
export class Admission<C extends object> {
  readonly #context: PoolContext<C>
  readonly #parts: AdmissionParts<C>
  readonly #next: Pick<NextSteps<C>, 'slotChanged'>

  constructor(
    context: PoolContext<C>,
    parts: AdmissionParts<C>,
    next: Pick<NextSteps<C>, 'slotChanged'>,
  ) {
    this.#context = context
    this.#parts = parts
    this.#next = next
  }

  admit(entry: PoolEntry<C>): void {
    const { driver } = this.#context
    const { clock, stall } = this.#context.runtime
    const { connections, pace, drain, fitness, lending, queue, testing, trust } = this.#parts
    const now = clock.now()
    stall.look(now)
    const role = driver.replication?.role(entry.connection) ?? 'unknown'
    if (role !== 'unknown') trust.shown = role
    const unfit = drain.over ? 'closed' : fitness.unfit(entry, now)
    if (entry.state === 'closed') this.#next.slotChanged()
    else if (unfit !== undefined) {
      connections.close(entry, unfit)
      this.#next.slotChanged()
    } else if (entry.suspect && (entry.state === 'testing' || lending.isWanted(entry)))
      testing.test(entry)
    else if (!trust.isWrong(role, entry.role, queue.first?.target ?? 'primary', now)) {
      entry.role = role
      if (!trust.accept(role, entry.state === 'testing', now)) entry.doomed = 'invalid'
      pace.succeeded(fitness.proofOf(entry))
      lending.offer(entry, now)
    } else if (trust.required === undefined && entry.role === 'unknown') {
      // A pooler in between reports at connect what it remembers of an earlier server. Asked, the server itself answers.
      entry.role = role
      testing.test(entry)
    } else this.#turnAway(entry, role)
  }

  /** Closes a connection that leads to a server in the wrong role. */
  #turnAway(entry: PoolEntry<C>, role: Role): void {
    const { connections, pace, trust } = this.#parts
    const { required } = trust
    const error = new ValidationFailedError(`expected a ${required ?? 'primary'}, found a ${role}`)
    connections.close(entry, 'invalid', error)
    if (required !== undefined || entry.role !== 'primary') {
      pace.backOff(error)
      this.#context.observer.roleMismatch(this.#context.endpoint, role)
    }
    this.#next.slotChanged()
  }
}
