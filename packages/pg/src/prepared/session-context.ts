import type { Setting } from './meaning.js'

/** By these a text may be understood in another way, and the server tells when they change. */
const TELLING: ReadonlySet<string> = new Set([
  'client_encoding',
  'DateStyle',
  'IntervalStyle',
  'is_superuser',
  'search_path',
  'session_authorization',
  'standard_conforming_strings',
  'TimeZone',
])

interface Settings {
  readonly role: string
  readonly search_path: string
}
/** As the login has left them. */
const AT_LOGIN: Settings = { role: '', search_path: '' }

/**
 * How texts are understood in one session: by its search path, its role, its time zone and so on. A statement that was
 * prepared in one context is not used in another. From version 18 on the server tells of the search path; of the role,
 * and before 18 of the path, the texts that set them do.
 */
export class SessionContext {
  readonly #reported = new Map<string, string>()
  /** Undefined if they are not known. */
  #settings: Settings | undefined = AT_LOGIN
  /** Within a transaction that has set something: what was set before, and whether what it sets stays if it commits. */
  #before: { readonly settings: Settings | undefined; stays: boolean } | undefined
  #key: string | undefined
  #stale = true

  /** The server tells of a parameter. */
  reported(name: string, value: string): void {
    if (!TELLING.has(name)) return
    this.#reported.set(name, value)
    this.#stale = true
  }

  /** A text is being sent that sets something. @param status of the transaction, as the server has said last */
  set(sets: Setting | 'unknown', status: string | null | undefined): void {
    if (sets !== 'unknown' && sets.name === 'search_path' && this.#reported.has('search_path'))
      return
    const local = sets !== 'unknown' && sets.local
    // Outside of a transaction that does nothing.
    if (status === 'I' && local) return
    if (status !== 'I') {
      this.#before ??= { settings: this.#settings, stays: false }
      if (!local) this.#before.stays = true
    }
    if (sets === 'unknown' || this.#settings === undefined) this.forget()
    else this.#become({ ...this.#settings, [sets.name]: sets.value })
  }

  /** A part of a transaction is taken back, or what was sent to set something has failed: nothing is known for now. */
  undone(): void {
    if (this.#before !== undefined) this.forget()
  }

  forget(): void {
    this.#become(undefined)
  }

  /** The session is as after its login. */
  reset(): void {
    this.#before = undefined
    this.#become(AT_LOGIN)
  }

  /** No transaction is open. */
  outside(): void {
    if (this.#before === undefined) return
    const { settings, stays } = this.#before
    this.#before = undefined
    // Whether it was committed is not followed here.
    this.#become(stays ? undefined : settings)
  }

  /** The same for all texts that are understood in the same way; undefined if that is not known. */
  get key(): string | undefined {
    if (this.#stale) {
      this.#stale = false
      this.#key = this.#settings && JSON.stringify([this.#settings, ...this.#sorted()])
    }
    return this.#key
  }

  #sorted(): string[] {
    return [...this.#reported].map(([name, value]) => `${name}=${value}`).sort()
  }

  #become(settings: Settings | undefined): void {
    this.#settings = settings
    this.#stale = true
  }
}
