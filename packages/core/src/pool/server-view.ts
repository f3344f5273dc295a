import type { Role } from '../driver/contract.js'
import type { AnsweredQuestion, ResponseTimes } from '../time/response-times.js'
import type { CallerQueue } from './caller-queue.js'
import type { ConnectPace } from './connect-pace.js'
import type { PoolServer } from './connection-pool.js'
import type { Connections } from './connections.js'
import type { Connector } from './connector.js'
import type { PoolContext } from './context.js'
import type { PoolEntry } from './entry.js'
import type { Leases } from './leases.js'
import type { Lending } from './lending.js'
import type { NextSteps } from './next-steps.js'
import type { Opening } from './opening.js'
import type { Pings } from './pings.js'
import type { RoleTrust } from './role-trust.js'
import type { ServerChange, ServerCondition } from './server-change.js'
import type { Sizing } from './sizing.js'
import { overdueOf, receivedAny } from './watching.js'

export interface ServerViewParts<C extends object> {
  readonly connections: Connections<C>
  readonly connector: Connector<C>
  readonly leases: Leases<C>
  readonly lending: Lending<C>
  readonly pace: ConnectPace<C>
  readonly opening: Opening<C>
  readonly pings: Pings<C>
  readonly queue: CallerQueue<C>
  readonly sizing: Sizing<C>
  readonly trust: RoleTrust
}

/** What a pool knows of its server, and what follows from each change of that. */
export class ServerView<C extends object> implements PoolServer<C> {
  readonly times: ResponseTimes
  readonly #parts: ServerViewParts<C>
  readonly #next: Pick<NextSteps<C>, 'slotChanged' | 'supply'>
  #condition: ServerCondition = 'unknown'
  #logins: ServerChange['logins'] = 'unknown'

  constructor(
    { times }: PoolContext<C>,
    parts: ServerViewParts<C>,
    next: Pick<NextSteps<C>, 'slotChanged' | 'supply'>,
  ) {
    this.times = times
    this.#parts = parts
    this.#next = next
  }

  get role(): Role {
    return this.#parts.trust.shown
  }

  get uselessError(): Error | undefined {
    return this.#parts.opening.uselessError
  }

  /** First what connections must show, then the pace of connects, then who is served, and last what is closed. */
  changed(change: ServerChange): void {
    const { condition, crowded, dead, logins, outdated, requiredRole, roleChanged } = change
    const { connections, connector, leases, lending, pace, queue, trust } = this.#parts
    if (requiredRole !== undefined) trust.require(requiredRole === 'any' ? undefined : requiredRole)
    if (roleChanged) connections.suspectAll()
    if (crowded) pace.ramp()
    if (condition !== undefined) this.#conditionChanged(condition)
    if (change.watched !== undefined) this.#watched(change.watched)
    if (logins !== undefined) this.#loginsChanged(logins)
    if (roleChanged) connector.retryNow()
    if (change.serving !== undefined) queue.suspended = !change.serving
    trust.distrustful = this.#isInTrouble() && !queue.suspended
    if (change.serving) this.#next.supply()
    else if (condition === 'suspect' && leases.size > 0) lending.openAhead()
    if (dead !== undefined) this.destroyAll(dead)
    else if (outdated !== undefined) this.clear(outdated)
  }

  clear(reason: string): void {
    this.#parts.connections.clear(reason)
    this.#next.slotChanged()
  }

  destroyAll(reason: string): void {
    const { connections, connector } = this.#parts
    connector.abandon(reason)
    connections.destroyAll(reason)
    this.#next.slotChanged()
  }

  answered({ askedAt, fresh }: AnsweredQuestion, patienceMs: number): void {
    const { connector, pings } = this.#parts
    pings.answered(askedAt - this.times.answerWithinMs(patienceMs))
    if (fresh) connector.overtaken(askedAt)
  }

  receivedAny(): boolean {
    return receivedAny(this.#parts.connections)
  }

  overdue(since: number, now: number): PoolEntry<C>[] {
    return overdueOf(this.#parts.connections, since, now)
  }

  #isInTrouble(): boolean {
    return this.#condition === 'suspect' || this.#condition === 'lost'
  }

  #conditionChanged(condition: ServerCondition): void {
    const { connections, connector, pace } = this.#parts
    const before = this.#condition
    this.#condition = condition
    if (this.#isInTrouble()) connections.suspectAll()
    if (condition !== 'open') return
    if (before === 'lost') pace.ramp()
    // Only its connects have failed, maybe: begun anew each time that a probe is answered, they would never pause.
    if (before === 'suspect') pace.retrySoon()
    else connector.retryNow()
  }

  /** While nothing watches it, it may close connections or change its role unnoticed. */
  #watched(on: boolean): void {
    if (on) this.#parts.connections.suspectAll()
    this.#parts.sizing.keepReserve(on)
  }

  #loginsChanged(logins: ServerChange['logins']): void {
    const { connector, pace } = this.#parts
    const recovered = this.#logins === 'fail' && logins === 'work'
    this.#logins = logins
    pace.throttled = logins === 'fail'
    if (recovered) connector.retryNow()
  }
}
