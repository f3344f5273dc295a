import type { Role } from '../driver/contract.js'
import type { Target } from '../vocabulary/target.js'

/** An address that has led to standbys for so long does so on purpose, or there is no primary. */
const ASTRAY_MS = 30_000

/** Which roles the servers behind connections may be in, and how far to believe what connections say of that. */
export class RoleTrust {
  // Fields, not accessors of private ones: they are read on each acquire and release.
  /** The only role that is accepted; undefined for any. */
  required: Role | undefined = undefined
  /** The role of the server, as the latest connection that knows it has shown it. */
  shown: Role = 'unknown'
  /** A write was refused as by a standby: what new connections say of themselves may be out of date. */
  wary = false
  /** New connections are validated too before they are lent. */
  distrustful = false
  /** The role of the server to which the first connection led. */
  #firstRole: Role = 'unknown'
  /** Since when connections have led to standbys though the first led to a primary. */
  #standbySince: number | undefined

  /** Accepts only this role from now on; undefined for any. */
  require(role: Role | undefined): void {
    this.required = role
    this.#firstRole = 'unknown'
    this.#standbySince = undefined
  }

  /** A server has refused a write. */
  writeRefused(): void {
    if (this.#firstRole === 'primary') this.wary = true
  }

  /**
   * Notes the role of a connection that may be lent; false if it should not be lent a second time, as the next borrower
   * may want to write.
   *
   * @param asked whether the server itself has just said so
   */
  accept(role: Role, asked: boolean, now: number): boolean {
    if (asked) this.wary = false
    if (this.#firstRole === 'unknown') this.#firstRole = role
    if (role === 'primary') this.#standbySince = undefined
    return role !== 'standby' || !this.#isAstray(now)
  }

  /**
   * Whether a connection leads to a server in a role it should not have. Without a required role, a connection that led to a
   * primary must still do so: where a name or a proxy moves on to another server, those opened before stay behind. A new one
   * must too, unless it is for a reader: a proxy may lead to a standby for a moment, or to a winner not yet promoted.
   *
   * @param before the role that the connection led to before
   * @param target the target of the caller that waits for it
   */
  isWrong(role: Role, before: Role, target: Target, now: number): boolean {
    if (role === 'unknown') return false
    if (this.required !== undefined) return role !== this.required
    if (role !== 'standby') return false
    return before === 'primary' || (target === 'primary' && this.#isAstray(now))
  }

  /** Whether an address of a primary leads to a standby. It does so for good if it does for long. */
  #isAstray(now: number): boolean {
    if (this.required !== undefined || this.#firstRole !== 'primary') return false
    this.#standbySince ??= now
    return now - this.#standbySince < ASTRAY_MS
  }
}
