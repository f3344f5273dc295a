import { DataSource } from 'typeorm'
import { type PeerClient, POOL_SIZE, TUNED } from '../../../peers/client.js'
import { Row } from './row.js'

/** TypeORM with the pool it makes itself. */
export class Typeorm implements PeerClient {
  readonly #tuned: boolean
  #dataSource: DataSource | undefined

  constructor({ tuned }: { readonly tuned: boolean }) {
    this.#tuned = tuned
  }

  async open([url]: readonly [string, ...string[]]): Promise<void> {
    this.#dataSource = new DataSource({
      type: 'postgres',
      url,
      entities: [Row],
      poolSize: POOL_SIZE,
      ...(this.#tuned && {
        connectTimeoutMS: TUNED.connectTimeoutMs,
        poolErrorHandler: () => {},
        extra: { query_timeout: TUNED.queryTimeoutMs, keepAlive: true },
      }),
    })
    await this.#dataSource.initialize()
  }

  async write(id: string): Promise<void> {
    await this.#dataSource?.getRepository(Row).insert({ id })
  }

  async close(): Promise<void> {
    await this.#dataSource?.destroy()
  }
}
