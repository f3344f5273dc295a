import * as typeorm from '@connmgr/typeorm'
import { DataSource } from 'typeorm'
import type { Access, Given } from '../adapters.js'

export async function open(given: Given): Promise<Access> {
  const dataSource = await new DataSource(
    typeorm.withConnectionManager({ type: 'postgres' }, given),
  ).initialize()
  return {
    connections: typeorm.getConnections(dataSource),
    query: (text) => dataSource.query(text),
    transaction: (work) =>
      dataSource.transaction((entities) => work((text) => entities.query(text))),
    leak: async () => {
      const runner = dataSource.createQueryRunner()
      await runner.connect()
      return () => runner.release()
    },
    close: () => dataSource.destroy(),
  }
}
