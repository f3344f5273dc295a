import { InvalidOptionError } from '@connmgr/core'
import type { StatementTracer } from '@connmgr/core/driver'

/** What ownership needs of a manager. */
interface OwnedManager {
  readonly closed: boolean
  readonly queries: Pick<StatementTracer, 'active'>
  close(options?: { readonly drainTimeoutMs?: number }): Promise<void>
}

/** Where the manager of a DataSource comes from. */
export type ManagerSource<M> =
  | { readonly given: M; readonly create?: undefined }
  | { readonly given?: undefined; readonly create: () => M }

const OWNERSHIP = Symbol.for('@connmgr/typeorm ownership')

/**
 * Ties the life of a manager to that of a DataSource: one that was made from options is closed when the last pool that
 * TypeORM has opened on it ends, and made anew when the DataSource is used again. One that was passed in is left alone.
 */
export class ManagerOwnership<M extends OwnedManager> {
  readonly #source: ManagerSource<M>
  #manager: M
  #openPools = 0

  /** The manager is made at once, so that a mistake in the options shows where they are written. */
  constructor(source: ManagerSource<M>) {
    this.#source = source
    this.#manager = this.#create()
  }

  /** The present manager. */
  get manager(): M {
    if (this.owned && this.#manager.closed) this.#manager = this.#create()
    return this.#manager
  }

  /** True if the manager was made for the DataSource. */
  get owned(): boolean {
    return this.#source.given === undefined
  }

  /** Whether statements are observed. */
  get watched(): boolean {
    return this.#manager.queries.active
  }

  /** TypeORM has opened a pool, which it is to end. */
  poolOpened(): void {
    this.#openPools += 1
  }

  /** TypeORM has ended a pool. Resolves when the manager is closed, if that was the last one. */
  async poolEnded(): Promise<void> {
    this.#openPools -= 1
    if (this.#openPools <= 0) await this.abandon()
  }

  /** Closes what TypeORM does not end: all that is open. */
  async abandon(options?: { readonly drainTimeoutMs: number }): Promise<void> {
    this.#openPools = 0
    if (this.owned) await this.#manager.close(options)
  }

  #create(): M {
    const source = this.#source
    return source.create === undefined ? source.given : source.create()
  }
}

/** Marks what TypeORM is given as its driver with the ownership behind it. */
export function mark<D extends object, M extends OwnedManager>(
  driver: D,
  ownership: ManagerOwnership<M>,
): D {
  return Object.defineProperty(driver, OWNERSHIP, { value: ownership })
}

/** The ownership behind a driver of ours, undefined for any other. */
export function ownershipOf<M extends OwnedManager>(
  driver: unknown,
): ManagerOwnership<M> | undefined {
  return (driver as { readonly [OWNERSHIP]?: ManagerOwnership<M> } | null | undefined)?.[OWNERSHIP]
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` for a manager of another database or of another copy of a package */
export function refuseManager(given: object, type: string): void {
  if (!('acquire' in given)) return
  throw new InvalidOptionError(
    'manager',
    `the manager that was passed is not one for a DataSource of type '${type}'; pass one of its own database. If it is, ` +
      'there are two copies of its package: see them with "npm ls @connmgr/core" and install one version',
  )
}
