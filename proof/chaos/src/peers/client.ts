/** Connections that every client may open. */
export const POOL_SIZE = 10

/** What "tuned" means, for every client that has such knobs. */
export const TUNED = { connectTimeoutMs: 2000, queryTimeoutMs: 3000 } as const

/** One method to write to a database from Node, as its documentation says it is done. */
export interface PeerClient {
  /** The servers, the preferred one first. Clients that know one server take that. */
  open(urls: readonly [string, ...string[]]): Promise<void>
  write(id: string): Promise<void>
  close(): Promise<void>
}

/** What a client needs between itself and the servers. */
type PeerRoute = 'direct' | 'haproxy'

/** A client as it is named on the command line and in the table. */
export interface Peer {
  readonly name: string
  readonly title: string
  readonly route: PeerRoute
  /** In the process of the client only, so that no other client's library is loaded there. */
  load(): Promise<PeerClient>
}

/** A client that connects to the servers itself. */
export function direct(name: string, title: string, load: () => Promise<PeerClient>): Peer {
  return { name, title, route: 'direct', load }
}
