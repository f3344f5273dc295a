import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { etcdArguments, haproxyConfiguration } from './configuration.js'
import { Daemon } from './daemon.js'
import { LabFolder } from './lab-folder.js'
import { LabNode } from './lab-node.js'
import { PgBouncer } from './pgbouncer.js'
import { findLabPorts, type LabPorts } from './ports.js'

const NODES = 3
/** Three servers are there in about ten seconds, on a busy machine in thirty. */
const SETTLE_MS = 120_000
const LOOK_MS = 100
const CONNECT_MS = 2000

/** A highly available PostgreSQL on 127.0.0.1: three servers under Patroni and etcd, HAProxy and PgBouncer. */
export class PatroniLab {
  readonly nodes: readonly LabNode[]
  readonly ports: LabPorts
  readonly #folder: LabFolder
  readonly #daemons: Daemon[] = []
  #etcd: Daemon | undefined
  #bouncer: PgBouncer | undefined

  private constructor(folder: LabFolder, ports: LabPorts, synchronous: boolean) {
    this.#folder = folder
    this.ports = ports
    this.nodes = ports.postgres.map(
      (postgres, index) =>
        new LabNode(folder, `n${index + 1}`, {
          postgres,
          rest: ports.rest[index] as number,
          etcd: ports.etcd,
          synchronous,
        }),
    )
  }

  /** Starts everything; resolves when both standbys stream and a write gets through HAProxy. */
  static async start({ synchronous = false } = {}): Promise<PatroniLab> {
    const folder = new LabFolder()
    try {
      const lab = new PatroniLab(folder, await findLabPorts(NODES), synchronous)
      await lab.#start()
      return lab
    } catch (error) {
      await folder.close()
      throw error
    }
  }

  /** The servers themselves. */
  get urls(): string[] {
    return this.nodes.map((node) => node.url)
  }

  /** HAProxy's port for writes. */
  get proxyUrl(): string {
    return databaseUrl(this.ports.haproxyWrites)
  }

  /** HAProxy's port for reads. */
  get proxyReadsUrl(): string {
    return databaseUrl(this.ports.haproxyReads)
  }

  /** Names that lead to the primary and to standbys, as services of Kubernetes do. */
  get serviceUrls(): { readonly writes: string; readonly reads: string } {
    return {
      writes: databaseUrl(this.ports.serviceWrites),
      reads: databaseUrl(this.ports.serviceReads),
    }
  }

  /** In front of HAProxy's port for writes. */
  get bouncer(): PgBouncer {
    if (this.#bouncer === undefined) throw new Error('PgBouncer has not been started')
    return this.#bouncer
  }

  /** Where the agents agree on a leader. */
  get etcd(): Daemon {
    if (this.#etcd === undefined) throw new Error('etcd has not been started')
    return this.#etcd
  }

  /** The node that Patroni names the primary. */
  async leader(): Promise<LabNode> {
    for (const node of this.nodes) if ((await node.api.status('/primary')) === 200) return node
    throw new Error(`there is no leader\n${this.#logs()}`)
  }

  /** Revives what is down and thaws what is frozen; resolves when everything is as after a start. */
  async heal(): Promise<void> {
    this.etcd.signal('SIGCONT')
    for (const node of this.nodes) {
      await node.thaw()
      await node.start()
    }
    await this.#settled()
  }

  async close(): Promise<void> {
    await this.#folder.close()
  }

  async #start(): Promise<void> {
    const { ports } = this
    const folder = this.#folder
    this.#etcd = await this.#run('etcd', [
      'etcd',
      ...etcdArguments(ports, folder.directory('etcd')),
    ])
    const health = `http://127.0.0.1:${ports.etcd}/health`
    await this.#until('etcd does not answer', async () => (await fetch(health)).ok)
    for (const node of this.nodes) await node.start()
    const haproxy = folder.file('haproxy.cfg', haproxyConfiguration(ports))
    await this.#run('haproxy', ['haproxy', '-db', '-f', haproxy])
    this.#bouncer = await PgBouncer.start(folder, ports.pgbouncer, ports.haproxyWrites)
    this.#daemons.push(this.#bouncer.daemon)
    await this.#settled()
  }

  async #run(name: string, command: readonly [string, ...string[]]): Promise<Daemon> {
    const daemon = await Daemon.start(this.#folder, name, command)
    this.#daemons.push(daemon)
    return daemon
  }

  #settled(): Promise<void> {
    return this.#until('the cluster does not settle', async () => {
      for (const node of this.nodes) {
        if ((await node.api.status('/health')) !== 200) return false
      }
      return streams(this.proxyUrl)
    })
  }

  /** Looks until it is so; what it is asked of may not be there yet. */
  async #until(failure: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + SETTLE_MS
    let last: unknown
    while (performance.now() < deadline) {
      const holds = await condition().catch((error: unknown) => {
        last = error
        return false
      })
      if (holds) return
      await delay(LOOK_MS)
    }
    throw new Error(`${failure} within ${SETTLE_MS} ms (${last})\n${this.#logs()}`)
  }

  #logs(): string {
    const parts = [...this.#daemons, ...this.nodes]
    return parts.map((each) => `--- ${each.name}\n${each.log}`).join('\n')
  }
}

function databaseUrl(port: number): string {
  return `postgresql://postgres@127.0.0.1:${port}/postgres`
}

/** Whether the server behind this URL takes writes and has all the standbys. */
async function streams(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS })
  client.on('error', () => {
    // The query says so too.
  })
  try {
    await client.connect()
    const { rows } = await client.query<{ ready: boolean }>(
      `select not pg_is_in_recovery()
              and (select count(*) from pg_stat_replication where state = 'streaming') = $1 as ready`,
      [NODES - 1],
    )
    return rows[0]?.ready === true
  } finally {
    await client.end()
  }
}
