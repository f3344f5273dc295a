import { AsyncLocalStorage } from 'node:async_hooks'
import type { Client } from 'pg'
import { type SessionEffects, sessionEffectsOf } from './session-effects.js'

/** While a client is being set up by listeners of its pool's 'connect'; what they set belongs to the connection. */
const settingUp = new AsyncLocalStorage<Client>()

/** Runs `work`, whose statements on `client` set it up for all who will borrow it. */
export function settingUpClient(client: Client, work: () => void): void {
  settingUp.run(client, work)
}

/**
 * Puts a session back as it was, but for statements that have been prepared. The role comes first, so that what follows
 * is done with the rights of the user who has logged in.
 */
const CLEAN = [
  'SET SESSION AUTHORIZATION DEFAULT',
  'RESET ROLE',
  'RESET ALL',
  'CLOSE ALL',
  'UNLISTEN *',
  'SELECT pg_advisory_unlock_all()',
  'DISCARD TEMP',
  'DISCARD SEQUENCES',
]

/** What is known to have changed in one session since its baseline, by the statements sent and by what the server says. */
export class SessionChanges {
  readonly #client: Client
  #altered = false
  #locks = false
  #prepares = false
  /** The statements that have set the connection up, to be run again after a reset. */
  readonly #setup = new Map<string | undefined, unknown[]>()
  /** Parameters that the server reports, such as `is_superuser`, `search_path` (from 18 on), `TimeZone`. */
  readonly #reported = new Map<string, string>()
  /** Of those that have changed since the baseline: what they were then. */
  readonly #before = new Map<string, string | undefined>()

  constructor(client: Client) {
    this.#client = client
  }

  /** Whether the next borrower may find another session than the last one did. */
  get altered(): boolean {
    return this.#altered || this.#before.size > 0
  }

  /** Whether there may be advisory locks of the session. */
  get locks(): boolean {
    return this.#locks
  }

  /** A statement is being sent. Returns what it may leave in the session. */
  note(text: string | undefined, args: readonly unknown[]): SessionEffects {
    const effects = sessionEffectsOf(text)
    if (!effects.changes) return effects
    this.#prepares ||= effects.prepares
    this.#locks ||= effects.locks
    if (settingUp.getStore() === this.#client) this.#setup.set(text, args.filter(isNoFunction))
    else this.#altered = true
    return effects
  }

  /** The server tells of a parameter. What a transaction sets for itself it reports again when that has ended. */
  reported(name: string, value: string): void {
    const present = this.#reported.get(name)
    this.#reported.set(name, value)
    if (!this.#before.has(name)) {
      if (present !== value) this.#before.set(name, present)
    } else if (this.#before.get(name) === value) this.#before.delete(name)
  }

  baseline(): void {
    this.#altered = false
    this.#locks = false
    this.#prepares = false
    this.#before.clear()
  }

  /** The statements that clean the session by the policy, each text to be sent by itself. */
  resetBy(policy: 'reset-all' | 'discard-all'): string[] {
    // DISCARD ALL refuses to run together with others, and leaves alone a role that was set by ALTER ROLE.
    if (policy === 'discard-all') return ['DISCARD ALL', 'RESET ROLE']
    return [(this.#prepares ? [...CLEAN, 'DEALLOCATE ALL'] : CLEAN).join('; ')]
  }

  /** Whether a reset by the policy has the server forget all prepared statements. */
  forgetsPrepared(policy: 'reset-all' | 'discard-all'): boolean {
    return policy === 'discard-all' || this.#prepares
  }

  /** What `client.query` was given to set the connection up, in the order of the first time. */
  get setup(): Iterable<unknown[]> {
    return this.#setup.values()
  }
}

function isNoFunction(argument: unknown): boolean {
  return typeof argument !== 'function'
}
