import type { Runtime } from '../runtime.js'
import { redactText } from '../secrets/redact-text.js'
import type { Clock } from '../time/clock.js'
import type { StallMonitor } from '../time/stall.js'
import type { LeakCounts } from '../vocabulary/counts.js'
import type { LeaseReport } from '../vocabulary/lease-report.js'
import { type CaptureBudget, captureBudgetOf, RareEntryPoints } from './capture-budget.js'
import { Nesting } from './nesting.js'
import {
  type CapturedStack,
  captureStack,
  describeOrigin,
  type FunctionReference,
  formatStack,
} from './stack.js'
import type { LeaseCourse, WatchedLease } from './watched-lease.js'

export interface LeakDetectionOptions {
  /** Time after which a lease counts as leaked. `@default` 300_000 */
  readonly thresholdMs: number
  /**
   * When to capture the stack of an acquire, which takes 4 to 60 µs. `adaptive` captures every acquire while the process
   * makes no more than 500 a second, so that the first leak has its line. Above that it captures as many as take two
   * thousandths of a core by what they were measured to take (25 to 500 a second), drawn at random, and beside them some
   * of each way in (`connect`, `use`, an adapter), of the statements of those leases, and of the acquires that fill half
   * of a pool: about half a hundredth of a core in all. It captures every acquire while a leak lasts, for ten minutes
   * after one, and while a quarter of the connections have been held for more than a second. `@default` 'adaptive'
   */
  readonly captureStack: 'adaptive' | 'always' | 'never'
  /** Destroy the connection of a leaked lease, to free its slot. It is never lent on. `@default` false */
  readonly reclaim: boolean
  /**
   * Whether to report acquires that wait while the asynchronous flow they belong to holds a connection of the same pool,
   * of which enough at once make a deadlock. Follows every flow and captures every stack, so it is for finding such a
   * place, not for always. `@default` false
   */
  readonly detectNested: boolean
}

/** What the pool asks of leak detection. */
export interface LeakTracking {
  readonly reclaim: boolean
  readonly counts: LeakCounts
  readonly thresholdMs: number
  /** Undefined unless nested acquires are to be found. */
  readonly nesting: Nesting | undefined
  /** Whether this acquire, by the function `below`, should capture its stack. */
  wantsStack(load: number, limit: number, now: number, below: FunctionReference): boolean
  /** Whether a statement of a lease, whose acquire was captured, should capture its stack too. */
  wantsStackOfUse(now: number): boolean
  /** Captures what is wanted. */
  capture(below: FunctionReference): CapturedStack
  /** The leases that have just become leaks. `leases` is ordered by the time of lending. */
  scan<L extends WatchedLease>(leases: Iterable<L>, limit: number): L[]
  /** True if the lease that ends had been reported. */
  ended(lease: WatchedLease): boolean
}

const RECENT_LEAK_MS = 600_000
/** Leases held for longer are not yet leaks, but if there are many, something is wrong. */
const LONG_MS = 1000
/** Of what fills half of a pool: so many at once per connection, and so many more in a millisecond. */
const BURST_PER_CONNECTION = 2
const REFILL_PER_MS = 0.2

/** Finds leases held for longer than the threshold, each once. */
export class LeakDetector implements LeakTracking {
  readonly #options: LeakDetectionOptions
  readonly #clock: Clock
  readonly #stall: StallMonitor
  readonly #sampling: CaptureBudget
  readonly #rareEntryPoints: RareEntryPoints
  readonly nesting: Nesting | undefined
  #detected = 0
  #active = 0
  #lastLeakAt = Number.NEGATIVE_INFINITY
  #alert = false
  #budget = 0
  #refilledAt = Number.NEGATIVE_INFINITY

  constructor(options: LeakDetectionOptions, clock: Clock, stall: StallMonitor) {
    this.#options = options
    this.#clock = clock
    this.#stall = stall
    this.#sampling = captureBudgetOf(clock)
    this.#rareEntryPoints = new RareEntryPoints(this.#sampling)
    this.nesting = options.detectNested ? new Nesting() : undefined
  }

  get reclaim(): boolean {
    return this.#options.reclaim
  }

  get thresholdMs(): number {
    return this.#options.thresholdMs
  }

  get counts(): LeakCounts {
    return { detected: this.#detected, active: this.#active }
  }

  wantsStack(load: number, limit: number, now: number, below: FunctionReference): boolean {
    if (this.nesting !== undefined) return true
    if (this.#options.captureStack !== 'adaptive') return this.#options.captureStack === 'always'
    if (this.#active > 0 || this.#alert || this.#sampling.sample(now)) return true
    // The lease about to begin counts too. Leaks that come at once fill a pool before anything else tells of them.
    if ((load + 1) * 2 >= limit && this.#spend(now, limit)) return true
    return this.#rareEntryPoints.wants(below, now)
  }

  wantsStackOfUse(now: number): boolean {
    return this.#options.captureStack === 'always' || this.#sampling.takeExtra(now)
  }

  capture(below: FunctionReference): CapturedStack {
    return this.#sampling.capture(below)
  }

  scan<L extends WatchedLease>(leases: Iterable<L>, limit: number): L[] {
    const now = this.#clock.now()
    const { thresholdMs } = this.#options
    const stalledMs = this.#stall.stalledAt(now)
    const found: L[] = []
    let long = 0
    for (const lease of leases) {
      // Ordered by age: nothing behind a young lease can be over a threshold, stalls only make it younger.
      if (now - lease.acquiredAt < Math.min(LONG_MS, thresholdMs)) break
      if (lease.isLongLived) continue
      long += 1
      if (lease.leaked || heldFor(lease, now, stalledMs) < thresholdMs) continue
      lease.leaked = true
      this.#detected += 1
      this.#active += 1
      this.#lastLeakAt = now
      found.push(lease)
    }
    // Decided here, once a scan, to keep it out of every acquire.
    this.#alert = now - this.#lastLeakAt < RECENT_LEAK_MS || long * 4 >= limit
    return found
  }

  #spend(now: number, limit: number): boolean {
    const refill = (now - this.#refilledAt) * REFILL_PER_MS * this.#sampling.share
    this.#budget = Math.min(BURST_PER_CONNECTION * limit, this.#budget + refill)
    this.#refilledAt = now
    if (this.#budget < 1) return false
    this.#budget -= 1
    return true
  }

  ended(lease: WatchedLease): boolean {
    if (!lease.leaked) return false
    this.#active -= 1
    return true
  }
}

/** Leak detection switched off. */
export class NoLeakDetection implements LeakTracking {
  readonly reclaim = false
  readonly counts: LeakCounts = { detected: 0, active: 0 }
  readonly thresholdMs = Number.POSITIVE_INFINITY
  readonly nesting = undefined

  wantsStack(): boolean {
    return false
  }

  wantsStackOfUse(): boolean {
    return false
  }

  capture(below: FunctionReference): CapturedStack {
    return captureStack(below)
  }

  scan(): [] {
    return []
  }

  ended(): boolean {
    return false
  }
}

/** Time a lease has been held, less the time everything stood still. */
export function heldFor(lease: WatchedLease, now: number, stalledMs: number): number {
  return Math.max(0, now - lease.acquiredAt - (stalledMs - lease.stalledBefore))
}

/**
 * Describes a lease as it is now.
 *
 * @param now one for all leases of a list: describing the first takes time, in which the others would grow older
 */
export function reportLease(
  lease: WatchedLease,
  runtime: Runtime,
  now = runtime.clock.now(),
): LeaseReport {
  const { clock, sql } = runtime
  const { label } = lease.owner
  const stack = lease.whereabouts
  const { entry } = lease
  const { heldForMs, lastQuery, queryCount } =
    lease.handedOut?.past ?? activityOf(lease, runtime, now)
  return {
    leaseId: lease.id,
    connectionId: entry.id,
    endpoint: entry.endpoint.id,
    ...(label === undefined ? {} : { label: redactText(label) }),
    ...(lease.isLongLived ? { longLived: true } : {}),
    checkedOutAt: new Date(clock.wallTime() - (clock.now() - lease.acquiredAt)),
    checkedOutBy: stack && describeOrigin(stack),
    stack: stack && formatStack(stack),
    heldForMs,
    lastQuery: sql.statement(lastQuery),
    queryCount,
  }
}

/** What a lease has come to so far; its text as the driver has it. */
export function activityOf(
  lease: WatchedLease,
  { stall }: Pick<Runtime, 'stall'>,
  now: number,
): LeaseCourse {
  const { activity } = lease.entry
  const queryCount = (activity?.queryCount ?? 0) - lease.queryCountBefore
  return new Course(
    heldFor(lease, now, stall.stalledAt(now)),
    queryCount > 0 ? activity?.lastQuery : undefined,
    queryCount,
  )
}

/** Of a class, for the reason given at `HandedOut`. */
class Course implements LeaseCourse {
  declare readonly heldForMs: number
  declare readonly lastQuery: string | undefined
  declare readonly queryCount: number

  constructor(heldForMs: number, lastQuery: string | undefined, queryCount: number) {
    this.heldForMs = heldForMs
    this.lastQuery = lastQuery
    this.queryCount = queryCount
  }
}
