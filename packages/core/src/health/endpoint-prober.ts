import type { Role } from '../driver.js'
import type { ProbeOutcome } from './prober.js'

/** Checks a server that is short of connections without taking one that a caller waits for. */
export interface StandIn {
  /** Whether the server has refused a connection for want of room of late. */
  readonly short: boolean
  /** Whether it is to be asked before the prober is. */
  readonly applies: boolean
  /** Whether it has a connection to ask over. */
  readonly ready: boolean
  /** Whether callers wait for a connection that is to be opened. */
  readonly wanting: boolean
  /**
   * Undefined if it cannot tell: then the prober is to ask. Never rejects.
   *
   * @param short whether the server is short of connections, as this or another manager knows
   */
  ask(short: boolean): Promise<ProbeOutcome | undefined>
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
  /** A question over another connection has missed its deadline: from a near server something would have come by now. */
  noteMiss(): void
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
  /** Has the server probed at the fastest pace that anybody wants, and hears of each probe, whoever asked for it. */
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
