import type { Driver, Endpoint } from './contract.js'
import type { ProbeResult } from './replication.js'

/** Asks how a server is over a connection of the pool, by what the driver has for that. */
export async function askOver<C extends object>(
  driver: Driver<C>,
  endpoint: Endpoint,
  connection: C,
): Promise<ProbeResult> {
  if (driver.replication !== undefined) return driver.replication.ask(connection)
  await driver.validate(connection)
  return { role: endpoint.role ?? 'unknown', writable: endpoint.role !== 'standby' }
}
