import type { EndpointProber } from './endpoint-prober.js'
import type { ProbeOutcome } from './probe-outcome.js'
import type { ProberCallbacks, WatchMember, WatchMembers } from './watch-members.js'

export interface HostCallbacks extends ProberCallbacks {
  /** The server refuses a database while it may well serve others. */
  readonly onRefused: (database: string, outcome: ProbeOutcome) => void
}

/** The member over whose database a server is probed for all, and the prober that asks there. */
export class WatchHost {
  readonly #members: WatchMembers
  readonly #callbacks: HostCallbacks
  #member: WatchMember | undefined
  #prober: EndpointProber | undefined

  constructor(members: WatchMembers, callbacks: HostCallbacks) {
    this.#members = members
    this.#callbacks = callbacks
  }

  /** The database that the session leads to; undefined without one. */
  get database(): string | undefined {
    return this.#member?.database
  }

  /**
   * Asks over the host's session; over another member's if the server refuses the host's database alone.
   *
   * @param movable whether another member may host the probe: it may while no session is kept
   */
  async ask(suspected: () => boolean, movable: boolean): Promise<ProbeOutcome> {
    for (;;) {
      const prober = this.#appoint(movable)
      const outcome = await prober.probe(suspected())
      const host = this.#member
      // The host has left meanwhile, and its session with it.
      if (host === undefined || prober !== this.#prober) {
        if (this.#members.size === 0) return outcome
      } else if (outcome.ok || !this.#isOfHostAlone(host, outcome.error)) return outcome
      else this.#callbacks.onRefused(host.database, outcome)
    }
  }

  /** Its database may be dropped now: no session must be kept there. */
  left(member: WatchMember): void {
    if (this.#member === member) this.#dismiss()
  }

  forget(what: 'all' | 'session'): void {
    if (what === 'all') this.#prober?.forget()
    else this.#prober?.forgetSession()
  }

  #appoint(movable: boolean): EndpointProber {
    if (movable && this.#members.short) this.#appointBestOff()
    if (this.#prober !== undefined) return this.#prober
    let host = this.#member
    // One that is in use, if there is one: of the others any may be the next to go.
    for (const each of this.#members.all)
      if (each.attendant !== undefined || host === undefined) host = each
    this.#member = host
    this.#prober = (host as WatchMember).createProber(this.#callbacks)
    return this.#prober
  }

  /** Has the member probe whose pool can best do so without a further connection. */
  #appointBestOff(): void {
    const meansOf = ({ attendant }: WatchMember): number => attendant?.standIn.means ?? -1
    let best = this.#member
    let shortUntil = Number.NEGATIVE_INFINITY
    for (const each of this.#members.all) {
      if (best === undefined || meansOf(each) > meansOf(best)) best = each
      shortUntil = Math.max(shortUntil, each.attendant?.standIn.shortUntil ?? shortUntil)
    }
    best?.attendant?.standIn.learn(shortUntil)
    if (best === this.#member) return
    this.#dismiss()
    this.#member = best
  }

  #isOfHostAlone(host: WatchMember, error: Error): boolean {
    if (!host.isOfDatabase(error)) return false
    for (const { database } of this.#members.all) if (database !== host.database) return true
    return false
  }

  #dismiss(): void {
    const prober = this.#prober
    this.#member = undefined
    this.#prober = undefined
    prober?.stop()
  }
}
