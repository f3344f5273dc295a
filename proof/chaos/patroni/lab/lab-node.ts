import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { patroniConfiguration } from './configuration.js'
import { Daemon } from './daemon.js'
import type { LabFolder } from './lab-folder.js'
import { PatroniApi } from './patroni-api.js'
import { childrenOf, signalProcess } from './processes.js'

/** Signals are sent again until two looks at the processes find the same ones. */
const SETTLE_MS = 2
const CONNECT_MS = 5000

/** One PostgreSQL server and the Patroni that looks after it. */
export class LabNode {
  readonly name: string
  readonly port: number
  readonly api: PatroniApi
  readonly #folder: LabFolder
  readonly #dataDirectory: string
  readonly #configuration: string
  #agent: Daemon | undefined

  constructor(
    folder: LabFolder,
    name: string,
    options: { postgres: number; rest: number; etcd: number; synchronous: boolean },
  ) {
    this.name = name
    this.port = options.postgres
    this.api = new PatroniApi(options.rest)
    this.#folder = folder
    this.#dataDirectory = path.join(folder.directory('data'), name)
    this.#configuration = folder.file(
      `${name}.yml`,
      patroniConfiguration({
        cluster: folder.name,
        name,
        port: options.postgres,
        restPort: options.rest,
        etcdPort: options.etcd,
        synchronous: options.synchronous,
        dataDirectory: this.#dataDirectory,
        socketDirectory: folder.directory('sockets'),
        passFile: path.join(folder.path, `${name}.pgpass`),
      }),
    )
  }

  get url(): string {
    return `postgresql://postgres@127.0.0.1:${this.port}/postgres`
  }

  /** The end of what its Patroni wrote. */
  get log(): string {
    return this.#agent?.log ?? 'not started'
  }

  /** Runs one statement as superuser on a connection of its own. */
  async query<R extends object>(sql: string): Promise<R[]> {
    const client = new Client({ connectionString: this.url, connectionTimeoutMillis: CONNECT_MS })
    client.on('error', () => {
      // The query fails too.
    })
    await client.connect()
    try {
      return (await client.query<R>(sql)).rows
    } finally {
      await client.end()
    }
  }

  /** Starts Patroni, which starts the server; does nothing if it runs. */
  async start(): Promise<void> {
    if (this.#agent?.running === true) return
    this.#agent = await Daemon.start(this.#folder, this.name, ['patroni', this.#configuration])
  }

  /** The death of the machine, as far as processes go: the agent first, so that it cannot react. */
  async kill(): Promise<void> {
    await this.#agent?.kill()
    await this.killDatabase()
  }

  /** Kills the server's processes all at once; the agent sees that. */
  async killDatabase(): Promise<void> {
    const postmaster = this.#postmaster()
    if (postmaster === undefined) return
    // A stopped postmaster can neither fork nor clean up, so no process escapes.
    await this.#signalDatabase('SIGSTOP')
    await this.#signalDatabase('SIGKILL')
    signalProcess(postmaster, 'SIGKILL')
  }

  /** Stops agent and server without closing anything: connections stay open and get no answer. */
  async freeze(): Promise<void> {
    this.freezeAgent()
    await this.#signalDatabase('SIGSTOP')
  }

  /** Lets everything of it go on that was frozen. */
  async thaw(): Promise<void> {
    // The server first, as after a pause of the machine: its sessions go on where they were.
    await this.#signalDatabase('SIGCONT')
    this.#agent?.signal('SIGCONT')
  }

  /** The agent neither renews its lease nor demotes the server, which goes on as it was. */
  freezeAgent(): void {
    this.#agent?.signal('SIGSTOP')
  }

  async #signalDatabase(signal: NodeJS.Signals): Promise<void> {
    const postmaster = this.#postmaster()
    if (postmaster === undefined) return
    let listed = new Set<number>()
    for (;;) {
      if (signal !== 'SIGKILL') signalProcess(postmaster, signal)
      const children = childrenOf(postmaster)
      for (const pid of children) signalProcess(pid, signal)
      if (children.every((pid) => listed.has(pid))) return
      listed = new Set(children)
      await delay(SETTLE_MS)
    }
  }

  /** Undefined while the server is down. */
  #postmaster(): number | undefined {
    try {
      const [pid] = readFileSync(path.join(this.#dataDirectory, 'postmaster.pid'), 'utf8').split(
        '\n',
      )
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      // The file outlives a killed server, and another process may have its number by now.
      return command.includes(this.#dataDirectory) ? Number(pid) : undefined
    } catch {
      return undefined
    }
  }
}
