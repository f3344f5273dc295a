import type { ConnectionManager } from '@connmgr/core'
import { DataSource, type DataSourceOptions } from 'typeorm'
import { getConnections, withConnectionManager } from '../src/index.js'
import { ENTITIES } from './entities.js'
import type { AdapterHarness } from './harness.js'

/** The DataSources of a test, made for the database of a harness. */
export class AdapterSubject {
  readonly harness: AdapterHarness
  readonly #opened: DataSource[] = []

  constructor(harness: AdapterHarness) {
    this.harness = harness
  }

  options(more: object = {}): DataSourceOptions {
    return {
      ...this.harness.dataSourceOptions(),
      entities: ENTITIES,
      synchronize: true,
      ...more,
    } as object as DataSourceOptions
  }

  /** A managed DataSource that is not initialized. */
  make(more: object = {}, manager: object = {}): DataSource {
    const given: object =
      'acquire' in manager ? manager : { logger: false, ...this.harness.managerOptions, ...manager }
    return this.keep(new DataSource(withConnectionManager(this.options(more), given)))
  }

  async open(more: object = {}, manager: object = {}): Promise<DataSource> {
    return this.make(more, manager).initialize()
  }

  /** TypeORM as it is without us. */
  async openPlain(): Promise<DataSource> {
    return this.keep(new DataSource(this.options())).initialize()
  }

  manager(dataSource: DataSource): ConnectionManager<object> {
    return getConnections(dataSource, this.harness.type) as unknown as ConnectionManager<object>
  }

  keep(dataSource: DataSource): DataSource {
    this.#opened.push(dataSource)
    return dataSource
  }

  async close(): Promise<void> {
    for (const each of this.#opened.splice(0)) if (each.isInitialized) await each.destroy()
  }
}
