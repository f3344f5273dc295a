import type { ClusterRecord } from './cluster-record.js'
import type { Harness } from './harness.js'
import type { Violations } from './violations.js'

type Manager = Harness['manager']

const OPERATOR_ERRORS = ['CONNMGR_FAILOVER_FAILED']

/** The operator of a cluster, and which servers they have taken out of service. */
export class ClusterOperator {
  readonly #manager: () => Manager
  readonly #record: ClusterRecord
  readonly #violations: Violations
  readonly #held = new Set<string>()
  /** The latest thing asked for of each server: an earlier one that takes effect later does not count. */
  readonly #latestWish = new Map<string, number>()
  #wishes = 0

  constructor(manager: () => Manager, record: ClusterRecord, violations: Violations) {
    this.#manager = manager
    this.#record = record
    this.#violations = violations
  }

  /** Servers that are out of service. */
  get held(): ReadonlySet<string> {
    return this.#held
  }

  quarantine(id: string, on: boolean): void {
    const manager = this.#manager()
    this.#wishes += 1
    const wish = this.#wishes
    this.#latestWish.set(id, wish)
    this.#held.delete(id)
    // It takes effect once the manager has started, unless something else has been asked for meanwhile.
    const isHeld = (): void => {
      if (this.#latestWish.get(id) === wish) this.#held.add(id)
    }
    this.#ask(on ? manager.quarantine(id).then(isHeld) : manager.unquarantine(id))
  }

  failover(to: string | undefined): void {
    this.#ask(this.#manager().failover(to))
  }

  reset(): void {
    const manager = this.#manager()
    const done = manager.reset()
    this.#ask(done)
    this.#record.resetting(done)
    // It takes effect once the manager has started, and all servers have been asked.
    const wishes = this.#wishes
    void manager.start().then(() => this.#forgetCluster(wishes))
    done.then(
      () => this.#record.followAny(),
      () => {},
    )
    this.#forgetCluster(wishes)
  }

  /** @param wishes how many quarantines had been asked for or ended before */
  #forgetCluster(wishes: number): void {
    this.#record.followAny()
    this.#held.clear()
    for (const [id, wish] of this.#latestWish) if (wish <= wishes) this.#latestWish.delete(id)
  }

  /** What an operator asks for may be refused, but only in words meant for it. */
  #ask(asked: Promise<unknown>): void {
    asked.catch((error: { code?: string; message: string }) => {
      if (!OPERATOR_ERRORS.includes(error.code ?? ''))
        this.#violations.add(`refused: ${error.message}`)
    })
  }
}
