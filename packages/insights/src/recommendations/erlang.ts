/** A pool of more connections than this is no advice. */
const MOST_SERVERS = 100_000

/**
 * The share of callers who must wait, by Erlang's C formula: callers come at random, are served by `servers` connections,
 * and wait for as long as it takes.
 *
 * @param load connections in use on average, if there were always enough: arrivals per second times the seconds held
 * @returns 1 if the load is more than all can bear, so that the queue grows without end
 */
export function waitProbability(load: number, servers: number): number {
  if (load <= 0) return 0
  if (servers <= load) return 1
  // Erlang B by its recurrence, which neither overflows nor cancels out.
  let blocked = 1
  for (let n = 1; n <= servers; n += 1) blocked = (load * blocked) / (n + load * blocked)
  return (servers * blocked) / (servers - load * (1 - blocked))
}

/** The fewest connections with which no more than a share of the callers must wait. */
export function serversFor(load: number, share: number): number {
  let servers = Math.max(1, Math.floor(load) + 1)
  while (servers < MOST_SERVERS && waitProbability(load, servers) > share) servers += 1
  return servers
}
