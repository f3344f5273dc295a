import { startCluster } from '@connmgr/testing'
import { getConnections, withConnectionManager } from '@connmgr/typeorm'
import { createLogger } from '@connmgr/winston'
import { DataSource, EntitySchema } from 'typeorm'

interface Book {
  id: number
  title: string
}

const BookEntity = new EntitySchema<Book>({
  name: 'book',
  columns: { id: { type: 'int', primary: true, generated: true }, title: { type: 'text' } },
})

async function main(): Promise<void> {
  const cluster = await startCluster({ standbys: 1, synchronous: true })
  const slaves = cluster.standbys.map((standby) => ({ url: standby.url() }))
  const dataSource = new DataSource(
    withConnectionManager(
      {
        type: 'postgres',
        replication: { master: { url: cluster.primary.url() }, slaves },
        entities: [BookEntity],
        synchronize: true,
      },
      { poolSize: 5, maxOverflow: 5, logger: createLogger() },
    ),
  )
  try {
    await dataSource.initialize()
    const books = dataSource.getRepository(BookEntity)
    await books.save([{ title: 'A Pattern Language' }, { title: 'The Timeless Way of Building' }])
    await dataSource.transaction(async (entities) => {
      await entities.update(BookEntity, { id: 1 }, { title: 'A Pattern Language, 2nd printing' })
    })
    await cluster.standbys[0]?.waitForReplay(cluster.primary)
    // Reads go to the standby, unless there is none that is fit for them.
    console.log('books:', await books.find({ order: { id: 'ASC' } }))

    const connections = getConnections(dataSource)
    console.log('metrics:', connections.getPoolMetrics())
    for (const { id, role, state } of connections.getFailoverStatus().endpoints)
      console.log(`${id}: ${role}, ${state}`)
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy()
    await cluster.stop()
  }
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
