import type { Clock, TimerHandle } from '../clock.js'
import type { ConnectionSignal, Role } from '../driver.js'
import type { Attendant, EndpointProber, StandIn } from './endpoint-prober.js'
import type { ProbeOutcome } from './prober.js'

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

interface SharedLogin {
  readonly by: WatchMember
  readonly startedAt: number
  readonly role: Promise<Role>
}

const JITTER = 0.2
const STOPPED: ProbeOutcome = {
  ok: false,
  durationMs: 0,
  kind: 'unreachable',
  error: new Error('probing has been stopped'),
  timedOut: false,
}

/**
 * Watches one server for all managers of the process that would ask it the same: over one session, at the fastest pace
 * that one of them wants. Each hears of every probe and decides by itself what follows.
 */
export class ServerWatch {
  readonly #clock: Clock
  readonly #onEmpty: () => void
  readonly #members = new Set<WatchMember>()
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
  /** The database that the latest answer came from. */
  #answeredFrom: string | undefined
  #login: SharedLogin | undefined
  #timer: TimerHandle | undefined
  #dueAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onEmpty: () => void) {
    this.#clock = clock
    this.#onEmpty = onEmpty
  }

  join(member: WatchMember): void {
    this.#members.add(member)
  }

  has(member: WatchMember): boolean {
    return this.#members.has(member)
  }

  leave(member: WatchMember): void {
    if (!this.#members.delete(member)) return
    // Its database may be dropped now: nobody is to keep a session there.
    if (this.#host === member) this.#dismiss()
    this.rest()
    if (this.#members.size === 0) this.#onEmpty()
  }

  /** Somebody wants to hear no more; if that was the last one, the session is not kept either. */
  rest(): void {
    if (this.#isAttended) return
    this.#schedule(Number.POSITIVE_INFINITY)
    this.forget('all')
  }

  /** One probe; joins the one under way. Resolves when all have heard of its outcome. Never rejects. */
  probe(suspected = false): Promise<ProbeOutcome> {
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
  hurry({ attendant }: WatchMember): void {
    if (attendant === undefined) return
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
    for (const { attendant } of this.#members) attendant?.onAsk()
    const outcome = await this.#ask()
    this.#running = undefined
    this.#suspected = false
    this.#tell(outcome)
    return outcome
  }

  async #ask(): Promise<ProbeOutcome> {
    for (const { database, isOfDatabase, standIn } of this.#standIns()) {
      const outcome = await standIn.ask(this.#isShort)
      if (outcome === undefined || (!outcome.ok && isOfDatabase(outcome.error))) continue
      this.#answeredFrom = database
      if (!outcome.ok && outcome.timedOut && this.#members.size > 0) this.#appoint().noteMiss()
      return outcome
    }
    for (;;) {
      // All have left while they were asked.
      if (this.#members.size === 0) return STOPPED
      const prober = this.#appoint()
      const outcome = await prober.probe(this.#suspected)
      const host = this.#host
      this.#answeredFrom = host?.database
      // The host has left meanwhile, and its session with it.
      if (host === undefined || prober !== this.#prober) {
        if (this.#members.size === 0) return outcome
      } else if (outcome.ok || !this.#isOfHostAlone(host, outcome.error)) return outcome
      else this.#separate(host.database, outcome)
    }
  }

  /** Those that can tell how a server is that has no connection to spare. */
  #standIns(): { database: string; standIn: StandIn; isOfDatabase: (error: Error) => boolean }[] {
    const all = [...this.#members].flatMap((member) => {
      const { attendant, database } = member
      const isOfDatabase = (error: Error): boolean => member.isOfDatabase(error)
      return attendant === undefined ? [] : [{ database, isOfDatabase, ...attendant }]
    })
    const able = this.#isShort ? all : all.filter(({ standIn }) => standIn.applies)
    const ready = able.find(({ standIn }) => standIn.ready)
    const wanting = able.find((each) => each !== ready && each.standIn.wanting)
    const other = ready === undefined && wanting === undefined ? able.at(-1) : undefined
    return [ready, wanting, other].filter((each) => each !== undefined)
  }

  get #isShort(): boolean {
    for (const { attendant } of this.#members) if (attendant?.standIn.short === true) return true
    return false
  }

  #isOfHostAlone(host: WatchMember, error: Error): boolean {
    if (!host.isOfDatabase(error)) return false
    for (const { database } of this.#members) if (database !== host.database) return true
    return false
  }

  #separate(database: string, outcome: ProbeOutcome): void {
    const refused = [...this.#members].filter((each) => each.database === database)
    for (const each of refused) this.leave(each)
    for (const each of refused) each.onSeparated(outcome)
  }

  #appoint(): EndpointProber {
    if (this.#prober !== undefined) return this.#prober
    let host = this.#host
    // The latest: those that have been here for longest are the next to go.
    for (const each of this.#members)
      if (each.attendant !== undefined || host === undefined) host = each
    this.#host = host
    this.#prober = (host as WatchMember).createProber({
      onLateAnswer: () => void this.probe(),
      onSignal: (signal) => {
        for (const each of [...this.#members]) each.onSignal(signal)
      },
    })
    return this.#prober
  }

  #dismiss(): void {
    const prober = this.#prober
    this.#host = undefined
    this.#prober = undefined
    prober?.stop()
  }

  /** What a member asks for while it is told waits until all have been. */
  #tell(outcome: ProbeOutcome): void {
    const elsewhere: ProbeOutcome = outcome.ok ? { ...outcome, elsewhere: true } : outcome
    const database = this.#answeredFrom
    this.#telling = true
    for (const each of [...this.#members]) {
      if (this.#members.has(each))
        each.attendant?.onOutcome(each.database === database ? outcome : elsewhere)
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

  get #isAttended(): boolean {
    for (const { attendant } of this.#members) if (attendant !== undefined) return true
    return false
  }

  get #keepsSession(): boolean {
    if (this.#isShort) return false
    for (const { attendant } of this.#members) if (attendant?.keepsSession() === true) return true
    return false
  }

  #paceMs(): number {
    let paceMs = Number.POSITIVE_INFINITY
    for (const { attendant } of this.#members)
      if (attendant !== undefined) paceMs = Math.min(paceMs, attendant.paceMs())
    return paceMs
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
