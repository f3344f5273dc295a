import type { Role } from '../driver/contract.js'
import type { Probe } from '../driver/replication.js'
import type { ProbeOutcome } from './probe-outcome.js'

/** Probes a server that is short of connections over the connections of a pool. */
export interface StandIn {
  /** Until when the server counts as short of connections, as it has refused one for want of room. */
  readonly shortUntil: number
  /** How well it can probe without a further connection: higher is better, 0 is not at all. */
  readonly means: number
  /** Notes that other managers have found the server short of connections. */
  learn(shortUntil: number): void
  /** Returns a probe over an idle connection; undefined without one, or while the server is not short of connections. */
  borrow(): Probe | undefined
  /**
   * Opens a probe over the next connection of the pool, or over its own where the pool cannot tell.
   *
   * @param openOwn opens a connection beside the pool
   */
  open(openOwn: () => Promise<Probe>, signal: AbortSignal): Promise<Probe>
}

/** Who wants to know of the probes of a server, and how often it is to be probed. */
export interface Attendant {
  /** Pause until the next probe that it wants. */
  paceMs(): number
  /** The server is about to be asked. */
  onAsk(): void
  onOutcome(outcome: ProbeOutcome): void
  /**
   * Whether nothing depends on the server at the moment: then it does, among many, to hear now and then that nothing has
   * changed.
   */
  isQuiet(): boolean
  /** Whether the session is to be kept until the next probe: if not, it is one connection less that the server needs. */
  keepsSession(): boolean
  readonly standIn: StandIn
}

/** Asks one endpoint of one manager how it is. */
export interface EndpointProber {
  /**
   * One probe; joins the one under way, if there is one. Never rejects.
   *
   * @param suspected true if a connection has met trouble: then a login that is slow is tried again beside it
   */
  probe(suspected?: boolean): Promise<ProbeOutcome>
  /** Gives up the connection: the next probe begins anew. */
  forget(): void
  /** The same, and logins that are under way go on. */
  forgetSession(): void
  /** Ends it for good. */
  stop(): void
  /** Present if several managers share what is asked. */
  readonly shared?: SharedProbing
}

/** What a prober adds that shares its server with other managers of the process. */
export interface SharedProbing {
  /** Has the server probed at the fastest pace that any manager wants, and hears of each probe, its own or another's. */
  attend(attendant: Attendant): void
  /** Ends that. */
  leave(): void
  readonly attending: boolean
  /** Brings the next probe forward to the pace that the attendant wants now. */
  hurry(): void
  /** Something depends on the server from now on: hears of every probe again. */
  wake(): void
  /** Shares it only with those of its own database from now on. False if it did so before. */
  separate(): boolean
  /**
   * One login for all: `login` is called unless another manager's has begun less than `freshMs` ago, whose outcome then
   * stands for it.
   */
  login(login: () => Promise<Role>, freshMs: number): Promise<Role>
}
