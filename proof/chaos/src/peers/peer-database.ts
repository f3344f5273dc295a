import type { ServerNode } from '../server-node.js'
import type { Peer } from './client.js'
import type { Fault } from './fault.js'

/** The names that `--db` takes beside `--peers`. */
export type PeerDatabaseName = 'postgresql' | 'mariadb'

/** A primary and its standby, for one round. */
export interface PeerCluster {
  /** The primary of the beginning first. */
  readonly nodes: readonly ServerNode[]
  /** The node that was promoted last. */
  readonly primary: ServerNode
  stop(): Promise<void>
}

/** What stands between a client and the servers. */
interface Router {
  readonly url: string
  stop(): Promise<void>
}

/** What the comparison of clients needs of one database. */
export interface PeerDatabase<C extends PeerCluster = PeerCluster> {
  readonly name: PeerDatabaseName
  /** Every client, ours first. */
  readonly peers: readonly Peer[]
  readonly faults: readonly Fault<C>[]
  /** Packages of npm whose versions are reported. */
  readonly libraries: readonly string[]
  /** Makes sure that the servers' programs are here. @throws MissingProgramsError */
  prepare(show: (line: string) => void): void
  /** No acknowledged write is lost with its primary. It has the ledger's table. */
  startCluster(): Promise<C>
  versionOf(primary: ServerNode): Promise<string>
  /** The version of HAProxy, undefined if it is not here; left out if no client stands behind one. */
  routerVersion?(): string | undefined
  /** @param urls of the nodes, in their order */
  startRouter?(cluster: C, urls: readonly string[]): Promise<Router>
}

export async function loadPeerDatabase(name: PeerDatabaseName): Promise<PeerDatabase> {
  switch (name) {
    case 'postgresql':
      return (await import('../postgres/peers/database.js')).POSTGRESQL
    case 'mariadb':
      return (await import('../mysql/peers/database.js')).MARIADB
  }
}
