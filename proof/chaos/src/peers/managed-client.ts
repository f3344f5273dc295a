import { type PeerClient, POOL_SIZE } from './client.js'

/** What a manager of any database gets: its defaults, except for the size. */
export interface ManagedClientOptions {
  readonly databaseUrl: string
  readonly failoverUrls: readonly string[]
  readonly poolSize: number
  readonly maxOverflow: number
  readonly logger: false
}

interface Manageable {
  start(): Promise<unknown>
  close(options: { readonly drainTimeoutMs: number }): Promise<unknown>
}

/** A client of ours, on a manager of its own. */
export class ManagedClient<M extends Manageable> implements PeerClient {
  readonly #create: (options: ManagedClientOptions) => M
  readonly #write: (manager: M, id: string) => Promise<unknown>
  #manager: M | undefined

  constructor(
    create: (options: ManagedClientOptions) => M,
    write: (manager: M, id: string) => Promise<unknown>,
  ) {
    this.#create = create
    this.#write = write
  }

  async open([databaseUrl, ...failoverUrls]: readonly [string, ...string[]]): Promise<void> {
    this.#manager = this.#create({
      databaseUrl,
      failoverUrls,
      poolSize: POOL_SIZE,
      maxOverflow: 0,
      logger: false,
    })
    await this.#manager.start()
  }

  async write(id: string): Promise<void> {
    if (this.#manager === undefined) throw new Error('the client is not open')
    await this.#write(this.#manager, id)
  }

  async close(): Promise<void> {
    await this.#manager?.close({ drainTimeoutMs: 0 })
  }
}
