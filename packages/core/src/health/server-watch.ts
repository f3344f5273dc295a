import type { History } from '../cluster/history.js'
import type { Role } from '../driver/contract.js'
import type { Clock } from '../time/clock.js'
import type { ProbeOutcome } from './probe-outcome.js'
import { ProbeTimer } from './probe-timer.js'
import { saysTheSame } from './same-answer.js'
import { SharedLogin } from './shared-login.js'
import { WatchHost } from './watch-host.js'
import { type WatchMember, WatchMembers } from './watch-members.js'

/**
 * Watches one server for all managers of the process that would ask it the same: over one session, at the fastest pace
 * that one of them wants. Each hears of what the probes find and decides by itself what follows.
 */
export class ServerWatch {
  readonly #clock: Clock
  readonly #order: History['order']
  readonly #onEmpty: () => void
  readonly #members: WatchMembers
  readonly #host: WatchHost
  readonly #login: SharedLogin
  readonly #timer: ProbeTimer
  #running: Promise<ProbeOutcome> | undefined
  #suspected = false
  #before: ProbeOutcome | undefined
  #reportedAt = 0
  #reporting = false
  /** Asked for while the members received the outcome of the one before. */
  #next: PromiseWithResolvers | undefined
  /** What is to be given up once all members have the outcome. */
  #forgets: 'all' | 'session' | undefined

  constructor(clock: Clock, order: History['order'], onEmpty: () => void) {
    this.#clock = clock
    this.#order = order
    this.#onEmpty = onEmpty
    this.#members = new WatchMembers(clock)
    this.#host = new WatchHost(this.#members, {
      onLateAnswer: () => void this.probe(),
      onSignal: (signal) => {
        for (const each of this.#members.all) each.onSignal(signal)
      },
      onRefused: (database, outcome) => this.#separate(database, outcome),
    })
    this.#login = new SharedLogin(clock)
    this.#timer = new ProbeTimer(
      clock,
      () => this.#members.paceMs,
      () => void this.probe(),
    )
  }

  join(member: WatchMember): void {
    this.#members.add(member)
  }

  has(member: WatchMember): boolean {
    return this.#members.has(member)
  }

  /** Lets it hear of every probe again. */
  wake(member: WatchMember): void {
    this.#members.wake(member)
  }

  leave(member: WatchMember): void {
    if (!this.#members.remove(member)) return
    this.#host.left(member)
    this.rest()
    if (this.#members.size === 0) this.#onEmpty()
  }

  /** A member wants to hear no more; if it was the last one, the session is not kept either. */
  rest(): void {
    if (this.#members.attend) return
    this.#timer.stop()
    this.forget('all')
  }

  /** Brings the next probe forward to the pace that a member wants now; never puts it off. */
  hurry(member: WatchMember): void {
    const { attendant } = member
    if (attendant === undefined) return
    this.#members.wake(member)
    this.#timer.hurry(attendant.paceMs())
  }

  /** Gives up the session, or logins under way too, once the probe under way has been answered. */
  forget(what: 'all' | 'session'): void {
    if (this.#forgets !== 'all') this.#forgets = what
    if (!this.#reporting && this.#running === undefined) this.#giveUp()
  }

  /** One login for all of its members. */
  login(by: WatchMember, login: () => Promise<Role>, freshMs: number): Promise<Role> {
    return this.#login.login(by, login, freshMs)
  }

  /** One probe; joins the one under way. Resolves when `by` has received its outcome, if it attends. Never rejects. */
  probe(suspected = false, by?: WatchMember): Promise<ProbeOutcome> {
    if (by !== undefined) this.#members.wake(by)
    this.#suspected ||= suspected
    if (this.#reporting) {
      this.#next ??= withResolvers()
      return this.#next.promise
    }
    this.#running ??= this.#run()
    return this.#running
  }

  async #run(): Promise<ProbeOutcome> {
    for (const { attendant } of this.#members.awake) attendant?.onAsk()
    // While the server is short of connections no session is kept, so another member may host the next probe.
    const movable = this.#before?.ok !== false
    const outcome = await this.#host.ask(() => this.#suspected, movable)
    this.#running = undefined
    this.#suspected = false
    this.#report(outcome)
    return outcome
  }

  #separate(database: string, outcome: ProbeOutcome): void {
    const refused = this.#members.all.filter((each) => each.database === database)
    for (const each of refused) this.leave(each)
    for (const each of refused) each.onSeparated(outcome)
  }

  /** What a member asks for while it receives an outcome waits until all have received it. */
  #report(outcome: ProbeOutcome): void {
    const elsewhere: ProbeOutcome = outcome.ok ? { ...outcome, elsewhere: true } : outcome
    const { database } = this.#host
    const audience = this.#audienceOf(outcome)
    this.#reporting = true
    for (const each of audience) {
      if (!this.#members.has(each)) continue
      each.attendant?.onOutcome(each.database === database ? outcome : elsewhere)
      this.#members.settle(each)
    }
    this.#reporting = false
    const next = this.#next
    this.#next = undefined
    if (next === undefined && !this.#keepsSession()) this.forget('all')
    this.#giveUp()
    next?.resolve(this.probe())
    this.#timer.hurry()
  }

  /** All, if anything has changed; or else those that something depends on, and some of the others. */
  #audienceOf(outcome: ProbeOutcome): WatchMember[] {
    const before = this.#before
    const now = this.#clock.now()
    const passedMs = now - this.#reportedAt
    this.#before = outcome
    this.#reportedAt = now
    const routine =
      outcome.ok && before?.ok === true && saysTheSame(outcome.result, before.result, this.#order)
    return routine ? this.#members.inTurn(passedMs) : this.#members.all
  }

  #keepsSession(): boolean {
    return !(this.#before?.ok === true && this.#members.short) && this.#members.keepSession
  }

  #giveUp(): void {
    const what = this.#forgets
    this.#forgets = undefined
    if (what !== undefined) this.#host.forget(what)
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<ProbeOutcome>
  readonly resolve: (outcome: Promise<ProbeOutcome>) => void
}

function withResolvers(): PromiseWithResolvers {
  let resolve: PromiseWithResolvers['resolve'] = () => {}
  const promise = new Promise<ProbeOutcome>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
