import type { StatementTracer } from '@connmgr/core/driver'
import { nameCallers } from './named-callers.js'

/** A manager, as far as drizzle has use for it. */
interface PooledManager<Pool> {
  readonly pool: Pool
  readonly replica: Pool
  readonly queries: StatementTracer
  close(): Promise<void>
}

/** How drizzle takes one kind of database. */
export interface Binding<Pool, Manager extends PooledManager<Pool>, Options, Config> {
  isManager(given: Options | Manager): given is Manager
  createManager(options: Options): Manager
  /** drizzle's database over one of the manager's pools. */
  open(pool: Pool, config: Config, manager: Manager): object
  /** drizzle's own for this kind of database. */
  withReplicas(primary: object, replica: object): object
}

/**
 * Opens a managed database. A manager that is made for it belongs to the caller, through `$connections`; one that cannot
 * get there, because drizzle refuses the configuration, is closed.
 */
export function openDatabase<Pool, Manager extends PooledManager<Pool>, Options, Config>(
  binding: Binding<Pool, Manager, Options, Config>,
  config: Config & { readonly replicas?: boolean },
  given: Options | Manager,
): unknown {
  if (binding.isManager(given)) return databasesOn(binding, given, config)
  const connections = binding.createManager(given)
  try {
    return databasesOn(binding, connections, config)
  } catch (error) {
    // The caller never gets it, and could not close it.
    void connections.close()
    throw error
  }
}

function databasesOn<Pool, Manager extends PooledManager<Pool>, Options, Config>(
  binding: Binding<Pool, Manager, Options, Config>,
  connections: Manager,
  { replicas = false, ...config }: Config & { readonly replicas?: boolean },
): object {
  const open = (pool: Pool): object =>
    Object.assign(
      nameCallers(
        binding.open(pool, config as unknown as Config, connections),
        connections.queries,
      ),
      { $connections: connections, $client: pool },
    )
  const primary = open(connections.pool)
  // What is added to the primary here is found on what withReplicas makes of it, too.
  return replicas ? binding.withReplicas(primary, open(connections.replica)) : primary
}
