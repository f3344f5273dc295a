import { withConnectionManager } from '@connmgr/drizzle'
import { startCluster } from '@connmgr/testing'
import { createLogger } from '@connmgr/winston'
import { sql } from 'drizzle-orm'
import { pgTable, serial, text } from 'drizzle-orm/pg-core'

const books = pgTable('books', { id: serial('id').primaryKey(), title: text('title').notNull() })

async function main(): Promise<void> {
  const cluster = await startCluster({ standbys: 1, synchronous: true })
  const db = withConnectionManager(
    { schema: { books }, replicas: true },
    {
      databaseUrl: cluster.primary.url(),
      failoverUrls: cluster.standbys.map((standby) => standby.url()),
      poolSize: 5,
      maxOverflow: 5,
      logger: createLogger(),
    },
  )
  try {
    await db.execute(sql`create table books (id serial primary key, title text not null)`)
    await db
      .insert(books)
      .values([{ title: 'A Pattern Language' }, { title: 'Notes on the Synthesis of Form' }])
    await db
      .transaction(async (tx) => {
        await tx.delete(books)
        throw new Error('second thoughts')
      })
      .catch((error: Error) => console.log('rolled back:', error.message))

    await cluster.standbys[0]?.waitForReplay(cluster.primary)
    const where = sql<boolean>`pg_is_in_recovery()`
    console.log(
      'on the standby:',
      await db.select({ title: books.title, standby: where }).from(books),
    )
    console.log(
      'on the primary:',
      await db.$primary.select({ title: books.title, standby: where }).from(books),
    )
    console.log('metrics:', db.$connections.getPoolMetrics())
  } finally {
    await db.$connections.close()
    await cluster.stop()
  }
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
