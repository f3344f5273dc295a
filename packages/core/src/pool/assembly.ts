import type { LeakTracking } from '../leaks/leak-detector.js'
import { Admission } from './admission.js'
import { BudgetPlace } from './budget-place.js'
import { CallerQueue } from './caller-queue.js'
import { Cleaner } from './cleaner.js'
import { Closing } from './closing.js'
import { ConnectPace } from './connect-pace.js'
import { Connections } from './connections.js'
import { Connector } from './connector.js'
import { Drain } from './drain.js'
import type { PoolContext } from './environment.js'
import { Fitness } from './fitness.js'
import { Housekeeping } from './housekeeping.js'
import { LeaseMisuse } from './lease-misuse.js'
import { Leases } from './leases.js'
import { Lending } from './lending.js'
import type { PoolCounts } from './metrics.js'
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

/** The parts of a pool that the pool itself calls. */
export interface PoolParts<C extends object> {
  readonly closing: Closing<C>
  readonly connections: Connections<C>
  readonly drain: Drain
  readonly fitness: Fitness<C>
  readonly housekeeping: Housekeeping<C>
  readonly leases: Leases<C>
  readonly lending: Lending<C>
  readonly next: NextSteps<C>
  readonly pings: Pings<C>
  readonly probes: PooledProbes<C>
  readonly queue: CallerQueue<C>
  readonly server: ServerView<C>
  readonly sizing: Sizing<C>
  readonly testing: Testing<C>
}

/** Makes the parts of one pool and wires them to each other. */
export function assemble<C extends object>(
  context: PoolContext<C>,
  leaks: LeakTracking<C>,
): PoolParts<C> {
  const next: NextSteps<C> = {
    admit: (entry) => admission.admit(entry),
    supply: () => lending.supply(),
    slotChanged: () => {
      lending.supply()
      if (drain.begun) closing.lookWhetherEmpty()
    },
  }
  const drain = new Drain(context)
  const sizing = new Sizing(context.options)
  const trust = new RoleTrust()
  const fitness = new Fitness(context, trust)
  const pings = new Pings(context)
  const cleaner = new Cleaner(context)
  const retirement = new Retirement(context)
  const leases = new Leases(context, leaks)
  const misuse = new LeaseMisuse(context)
  const connections = new Connections(context, {
    fitness,
    leases,
    pings,
    retire: (entry, reason, error) => retirement.retire(entry, reason, error, budget.closing()),
  })
  const pace = new ConnectPace(context, next.supply)
  const connector = new Connector(context, pace)
  const queue: CallerQueue<C> = new CallerQueue(
    context,
    { drain, leases, misuse, pace, sizing },
    {
      counts: () => countsOf({ connections, leases, pings, queue, sizing }),
      budgetUsedUp: () => budget.usedUp,
      onEnqueued: next.supply,
      onFailed: () => {
        if (drain.begun) closing.lookWhetherEmpty()
      },
    },
  )
  const budget: BudgetPlace<C> = new BudgetPlace(
    context,
    { connections, pings, queue, sizing },
    next,
  )
  const testing = new Testing(context, { connections, pace, pings, trust }, next)
  const shared = {
    budget,
    connections,
    connector,
    drain,
    fitness,
    leases,
    pace,
    queue,
    sizing,
    trust,
  }
  const probes = new PooledProbes(
    context,
    { ...shared, testing, open: (ahead) => opening.open(ahead) },
    next,
  )
  const signals = new Signals(context, connections, trust, next)
  const opening = new Opening(context, { ...shared, probes, signals }, next)
  const lending = new Lending(context, { ...shared, opening, pings, testing }, next)
  const admission = new Admission(context, { ...shared, lending, testing }, next)
  leases.home = new Returning(
    context,
    { ...shared, cleaner, lending, misuse, probes, testing },
    next,
  )
  const closing = new Closing(context, { ...shared, retirement })
  const housekeeping = new Housekeeping(context, shared, next)
  const server = new ServerView(context, { ...shared, opening, pings }, next)
  return { ...shared, closing, housekeeping, lending, next, pings, probes, server, testing }
}

/** How many connections there are in each state, and how many callers. */
export function countsOf<C extends object>({
  connections,
  leases,
  pings,
  queue,
  sizing,
}: Pick<PoolParts<C>, 'connections' | 'leases' | 'pings' | 'queue' | 'sizing'>): PoolCounts {
  const { idle, opening, size: total } = connections
  return {
    total,
    idle: idle.size,
    inUse: leases.size,
    testing: pings.size,
    cleaning: total - idle.size - leases.size - pings.size,
    connecting: opening,
    waiting: queue.size,
    overflow: Math.max(0, total - sizing.poolSize),
    limit: sizing.limit,
  }
}
