import type { History } from '../cluster/history.js'
import type { ConnectionSignal, Role } from '../driver/contract.js'
import type { Clock, TimerHandle } from '../time/clock.js'
import type { Attendant, EndpointProber } from './endpoint-prober.js'
import type { ProbeOutcome } from './prober.js'
import { saysTheSame } from './same-answer.js'

/** How the answers of a server come to those who share it. */
export interface ProberCallbacks {
  readonly onLateAnswer: () => void
  readonly onSignal: (signal: ConnectionSignal) => void
}

/** A manager's part in the watch of a server. */
export interface WatchMember {
  /** The database that it logs in to. */
  readonly database: string
  /** Undefined while it only asks, and does not want to hear of what others ask. */
  readonly attendant: Attendant | undefined
  /** Asks the server over a connection to this member's database. */
  createProber(callbacks: ProberCallbacks): EndpointProber
  onSignal(signal: ConnectionSignal): void
  /** Whether a failed login concerns the database alone, and not the server. */
  isOfDatabase(error: unknown): boolean
  /** The server refuses this member's database: it is to watch on its own from now on. */
  onSeparated(outcome: ProbeOutcome): void
}

interface QuietWishes {
  readonly at: number
  /** Pause until the next probe. */
  readonly paceMs: number
  readonly keepSession: boolean
}

interface SharedLogin {
  readonly by: WatchMember
  readonly startedAt: number
  readonly role: Promise<Role>
}

const JITTER = 0.2
/** So many members hear of every probe, whether they need to or not. */
const FEW = 16
/** Of more, those that are quiet hear as often as this that nothing has changed. */
const QUIET_MS = 10_000

/**
 * Watches one server for all managers of the process that would ask it the same: over one session, at the fastest pace
 * that one of them wants. Each hears of what the probes find and decides by itself what follows.
 *
 * That nothing has changed is all that most probes find. Among many managers those that have no connection hear of that
 * now and then, in turn, so that a thousand idle ones cost no more than a few.
 */
export class ServerWatch {
  readonly #clock: Clock
  readonly #order: History['order']
  readonly #onEmpty: () => void
  /** Members that hear of every probe. */
  readonly #awake = new Set<WatchMember>()
  /** Members that nothing depends on, the one first that has heard nothing for the longest time. */
  readonly #quiet = new Set<WatchMember>()
  #before: ProbeOutcome | undefined
  #toldAt = 0
  /** What the quiet ones want, as of some time. */
  #quietWishes: QuietWishes | undefined
  /** The member whose database the session leads to. */
  #host: WatchMember | undefined
  #prober: EndpointProber | undefined
  #running: Promise<ProbeOutcome> | undefined
  /** Asked for while all were being told of the one before. */
  #next: PromiseWithResolvers | undefined
  #telling = false
  /** What is to be given up once all have been told. */
  #forgets: 'all' | 'session' | undefined
  #suspected = false
  #login: SharedLogin | undefined
  #timer: TimerHandle | undefined
  #dueAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock, order: History['order'], onEmpty: () => void) {
    this.#clock = clock
    this.#order = order
    this.#onEmpty = onEmpty
  }

  join(member: WatchMember): void {
    this.#awake.add(member)
  }

  has(member: WatchMember): boolean {
    return this.#awake.has(member) || this.#quiet.has(member)
  }

  /** Lets it hear of every probe again. */
  wake(member: WatchMember): void {
    if (!this.#quiet.delete(member)) return
    this.#quietWishes = undefined
    this.#awake.add(member)
  }

  leave(member: WatchMember): void {
    this.wake(member)
    if (!this.#awake.delete(member)) return
    // Its database may be dropped now: no session must be kept there.
    if (this.#host === member) this.#dismiss()
    this.rest()
    if (this.#size === 0) this.#onEmpty()
  }

  /** A member wants to hear no more; if it was the last one, the session is not kept either. */
  rest(): void {
    if (this.#isAttended) return
    this.#schedule(Number.POSITIVE_INFINITY)
    this.forget('all')
  }

  /** One probe; joins the one under way. Resolves when `by` has heard of its outcome, if it attends. Never rejects. */
  probe(suspected = false, by?: WatchMember): Promise<ProbeOutcome> {
    if (by !== undefined) this.wake(by)
    this.#suspected ||= suspected
    if (this.#telling) {
      this.#next ??= withResolvers()
      return this.#next.promise
    }
    this.#running ??= this.#run()
    return this.#running
  }

  /** Gives up the session, or logins under way too, once the probe under way has been answered. */
  forget(what: 'all' | 'session'): void {
    if (this.#forgets !== 'all') this.#forgets = what
    if (!this.#telling && this.#running === undefined) this.#giveUp()
  }

  #giveUp(): void {
    const what = this.#forgets
    this.#forgets = undefined
    if (what === 'all') this.#prober?.forget()
    else if (what === 'session') this.#prober?.forgetSession()
  }

  /** Brings the next probe forward to the pace that a member wants now; never puts it off. */
  hurry(member: WatchMember): void {
    const { attendant } = member
    if (attendant === undefined) return
    this.wake(member)
    const paceMs = attendant.paceMs()
    if (this.#clock.now() + paceMs < this.#dueAt) this.#schedule(paceMs)
  }

  async login(by: WatchMember, login: () => Promise<Role>, freshMs: number): Promise<Role> {
    const known = this.#login
    if (known !== undefined && this.#clock.now() - known.startedAt < freshMs) {
      try {
        return await known.role
      } catch (error) {
        // It was given up, not refused; or it says nothing of other databases.
        const foreign = known.by.database !== by.database && by.isOfDatabase(error)
        if (known.by.attendant !== undefined && !foreign) throw error
      }
    }
    const role = login()
    this.#login = { by, startedAt: this.#clock.now(), role }
    return role
  }

  async #run(): Promise<ProbeOutcome> {
    for (const { attendant } of this.#awake) attendant?.onAsk()
    const outcome = await this.#ask()
    this.#running = undefined
    this.#suspected = false
    this.#tell(outcome)
    return outcome
  }

  async #ask(): Promise<ProbeOutcome> {
    for (;;) {
      const prober = this.#appoint()
      const outcome = await prober.probe(this.#suspected)
      const host = this.#host
      // The host has left meanwhile, and its session with it.
      if (host === undefined || prober !== this.#prober) {
        if (this.#size === 0) return outcome
      } else if (outcome.ok || !this.#isOfHostAlone(host, outcome.error)) return outcome
      else this.#separate(host.database, outcome)
    }
  }

  #isOfHostAlone(host: WatchMember, error: Error): boolean {
    if (!host.isOfDatabase(error)) return false
    for (const { database } of this.#all) if (database !== host.database) return true
    return false
  }

  #separate(database: string, outcome: ProbeOutcome): void {
    const refused = this.#all.filter((each) => each.database === database)
    for (const each of refused) this.leave(each)
    for (const each of refused) each.onSeparated(outcome)
  }

  #appoint(): EndpointProber {
    // While the server is short of connections no session is kept, so another member may host the next probe.
    if (this.#isShort && this.#before?.ok !== false) this.#appointBestOff()
    if (this.#prober !== undefined) return this.#prober
    let host = this.#host
    // One that is in use, if there is one: of the others any may be the next to go.
    for (const each of this.#all)
      if (each.attendant !== undefined || host === undefined) host = each
    this.#host = host
    this.#prober = (host as WatchMember).createProber({
      onLateAnswer: () => void this.probe(),
      onSignal: (signal) => {
        for (const each of this.#all) each.onSignal(signal)
      },
    })
    return this.#prober
  }

  /** Has the member probe whose pool can best do so without a further connection. */
  #appointBestOff(): void {
    const meansOf = ({ attendant }: WatchMember): number => attendant?.standIn.means ?? -1
    let best = this.#host
    let shortUntil = Number.NEGATIVE_INFINITY
    for (const each of this.#all) {
      if (best === undefined || meansOf(each) > meansOf(best)) best = each
      shortUntil = Math.max(shortUntil, each.attendant?.standIn.shortUntil ?? shortUntil)
    }
    best?.attendant?.standIn.learn(shortUntil)
    if (best === this.#host) return
    this.#dismiss()
    this.#host = best
  }

  #dismiss(): void {
    const prober = this.#prober
    this.#host = undefined
    this.#prober = undefined
    prober?.stop()
  }

  /** What a member asks for while it hears an outcome waits until all have heard it. */
  #tell(outcome: ProbeOutcome): void {
    const elsewhere: ProbeOutcome = outcome.ok ? { ...outcome, elsewhere: true } : outcome
    const database = this.#host?.database
    const audience = this.#audienceOf(outcome)
    this.#telling = true
    for (const each of audience) {
      if (!this.has(each)) continue
      each.attendant?.onOutcome(each.database === database ? outcome : elsewhere)
      this.#settle(each)
    }
    this.#telling = false
    const next = this.#next
    this.#next = undefined
    if (next === undefined && !this.#keepsSession) this.forget('all')
    this.#giveUp()
    next?.resolve(this.probe())
    const paceMs = this.#paceMs()
    if (this.#clock.now() + paceMs < this.#dueAt) this.#schedule(paceMs)
  }

  /** All, if anything has changed; or else those that something depends on, and some of the others. */
  #audienceOf(outcome: ProbeOutcome): WatchMember[] {
    const before = this.#before
    const now = this.#clock.now()
    const passedMs = now - this.#toldAt
    this.#before = outcome
    this.#toldAt = now
    const routine =
      outcome.ok && before?.ok === true && saysTheSame(outcome.result, before.result, this.#order)
    if (!routine || this.#quiet.size <= FEW) return this.#all
    const audience = [...this.#awake]
    let turns = Math.ceil((this.#quiet.size * passedMs) / QUIET_MS)
    for (const each of this.#quiet) {
      if (turns <= 0) break
      turns -= 1
      audience.push(each)
    }
    return audience
  }

  /** Counts a member among those to whom it belongs now that it has heard the latest. */
  #settle(member: WatchMember): void {
    if (!this.has(member)) return
    if (member.attendant?.isQuiet() === false) {
      this.wake(member)
      return
    }
    if (this.#awake.delete(member)) this.#quietWishes = undefined
    // Its next turn comes after those of all others.
    this.#quiet.delete(member)
    this.#quiet.add(member)
  }

  get #size(): number {
    return this.#awake.size + this.#quiet.size
  }

  get #all(): WatchMember[] {
    return [...this.#quiet, ...this.#awake]
  }

  get #isAttended(): boolean {
    for (const members of [this.#awake, this.#quiet])
      for (const { attendant } of members) if (attendant !== undefined) return true
    return false
  }

  /** Whether a member knows that the server is short of connections. */
  get #isShort(): boolean {
    const now = this.#clock.now()
    // A member that knows it is never quiet.
    for (const { attendant } of this.#awake)
      if (attendant !== undefined && now < attendant.standIn.shortUntil) return true
    return false
  }

  get #keepsSession(): boolean {
    if (this.#before?.ok === true && this.#isShort) return false
    for (const { attendant } of this.#awake) if (attendant?.keepsSession() === true) return true
    return this.#wishesOfQuiet(this.#clock.now()).keepSession
  }

  #paceMs(): number {
    const now = this.#clock.now()
    let { paceMs } = this.#wishesOfQuiet(now)
    for (const { attendant } of this.#awake)
      if (attendant !== undefined) paceMs = Math.min(paceMs, attendant.paceMs())
    return paceMs
  }

  /** Cached, because a change of a member's wishes also wakes it. */
  #wishesOfQuiet(now: number): QuietWishes {
    const known = this.#quietWishes
    if (known !== undefined && now - known.at < QUIET_MS) return known
    let paceMs = Number.POSITIVE_INFINITY
    let keepSession = false
    for (const { attendant } of this.#quiet) {
      if (attendant === undefined) continue
      paceMs = Math.min(paceMs, attendant.paceMs())
      keepSession ||= attendant.keepsSession()
    }
    this.#quietWishes = { at: now, keepSession, paceMs }
    return this.#quietWishes
  }

  #schedule(paceMs: number): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueAt = Number.POSITIVE_INFINITY
    if (!Number.isFinite(paceMs)) return
    // Only ever shorter, so that the longest time to notice a silence is known.
    const delayMs = paceMs * (1 - JITTER * this.#clock.random())
    this.#dueAt = this.#clock.now() + delayMs
    this.#timer = this.#clock.setTimeout(() => {
      this.#schedule(this.#paceMs())
      if (this.#timer !== undefined) void this.probe()
    }, delayMs)
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
