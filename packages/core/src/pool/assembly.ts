import type { LeakTracking } from '../leaks/leak-detector.js'
import type { CloseReason } from '../vocabulary/close-reason.js'
import type { PoolCounts } from '../vocabulary/counts.js'
import { Admission } from './admission.js'
import { BudgetPlace } from './budget-place.js'
import { CallerQueue } from './caller-queue.js'
import { Cleaner } from './cleaner.js'
import { Closing } from './closing.js'
import { ConnectPace } from './connect-pace.js'
import { Connections } from './connections.js'
import { Connector } from './connector.js'
import type { PoolContext } from './context.js'
import { Drain } from './drain.js'
import type { PoolEntry } from './entry.js'
import { Fitness } from './fitness.js'
import { Housekeeping } from './housekeeping.js'
import { LeaseMisuse } from './lease-misuse.js'
import { Leases } from './leases.js'
import { Lending } from './lending.js'
import type { NextSteps } from './next-steps.js'
import { Opening } from './opening.js'
import { Pings } from './pings.js'
import { PooledProbes } from './pooled-probes.js'
import { Retirement } from './retirement.js'
import { Returning } from './returning.js'
import { RoleTrust } from './role-trust.js'
import { ServerView } from './server-view.js'
import { Signals } from './signals.js'
import { Sizing } from './sizing.js'
import { Testing } from './testing.js'

/**
 * The parts of one pool, wired to each other. One object for all of them, in the order in which they need each other: copies
 * of parts of it would cost each pool of a process with many of them a shape of its own.
 */
export class PoolAssembly<C extends object> implements NextSteps<C> {
  readonly drain: Drain
  readonly sizing: Sizing<C>
  readonly trust: RoleTrust
  readonly fitness: Fitness<C>
  readonly pings: Pings<C>
  readonly cleaner: Cleaner<C>
  readonly retirement: Retirement<C>
  readonly leases: Leases<C>
  readonly misuse: LeaseMisuse<C>
  readonly connections: Connections<C>
  readonly pace: ConnectPace<C>
  readonly connector: Connector<C>
  readonly queue: CallerQueue<C>
  readonly budget: BudgetPlace<C>
  readonly testing: Testing<C>
  readonly probes: PooledProbes<C>
  readonly signals: Signals<C>
  readonly opening: Opening<C>
  readonly lending: Lending<C>
  readonly admission: Admission<C>
  readonly closing: Closing<C>
  readonly housekeeping: Housekeeping<C>
  readonly server: ServerView<C>

  constructor(context: PoolContext<C>, leaks: LeakTracking) {
    this.drain = new Drain(context.runtime)
    this.sizing = new Sizing(context.options)
    this.trust = new RoleTrust()
    this.fitness = new Fitness(context, this.trust)
    this.pings = new Pings(context)
    this.cleaner = new Cleaner(context)
    this.retirement = new Retirement(context)
    this.leases = new Leases(context, leaks)
    this.misuse = new LeaseMisuse(context)
    this.connections = new Connections(context, this, this)
    this.pace = new ConnectPace(context, this)
    this.connector = new Connector(context, this.pace)
    this.queue = new CallerQueue(context, this, this)
    this.budget = new BudgetPlace(context, this, this)
    this.testing = new Testing(context, this, this)
    this.probes = new PooledProbes(context, this, this)
    this.signals = new Signals(context, this.connections, this.pace, this.trust, this)
    this.opening = new Opening(context, this, this)
    this.lending = new Lending(context, this, this)
    this.admission = new Admission(context, this, this)
    this.leases.home = new Returning(context, this, this)
    this.closing = new Closing(context, this)
    this.housekeeping = new Housekeeping(context, this, this)
    this.server = new ServerView(context, this, this)
  }

  /** How many connections there are in each state, and how many callers. */
  get counts(): PoolCounts {
    const { idle, opening, size: total } = this.connections
    const inUse = this.leases.size
    const testing = this.pings.size
    return {
      total,
      idle: idle.size,
      inUse,
      testing,
      cleaning: total - idle.size - inUse - testing,
      connecting: opening,
      waiting: this.queue.size,
      overflow: Math.max(0, total - this.sizing.poolSize),
      limit: this.sizing.limit,
    }
  }

  admit(entry: PoolEntry<C>): void {
    this.admission.admit(entry)
  }

  supply(): void {
    this.lending.supply()
  }

  slotChanged(): void {
    this.lending.supply()
    this.waiterGone()
  }

  waiterGone(): void {
    if (this.drain.begun) this.closing.lookWhetherEmpty()
  }

  open(ahead: boolean): void {
    this.opening.open(ahead)
  }

  retire(entry: PoolEntry<C>, reason: CloseReason, error: Error | undefined): void {
    this.retirement.retire(entry, reason, error, this.budget.closing())
  }
}
