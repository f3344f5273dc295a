// Prints where the repeated reads of a request are, by the pool and by TypeORM. Bundled into one file with all that it uses.
import { createConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/typeorm'
import { DataSource } from 'typeorm'
import { insights } from '../src/index.js'
import { Post } from './posts.js'

const TIMES = 8

async function main(): Promise<void> {
  const manager = createConnectionManager({ logger: false })
  const dataSource = await new DataSource(
    withConnectionManager({ type: 'postgres', entities: [Post] }, manager),
  ).initialize()
  const posts = dataSource.getRepository(Post)
  const watched = insights(manager)
  const reads = {
    pool: (id: number) => manager.pool.query('select title from "Post" where id = $1', [id]), // MARK: pool
    typeorm: (id: number) => posts.findBy({ id }), // MARK: typeorm
  }
  const found: Record<string, unknown> = {}
  for (const [name, read] of Object.entries(reads)) {
    watched.reset()
    await watched.scope(async () => {
      for (let id = 1; id <= TIMES; id += 1) await read(id)
    })
    found[name] = watched.nPlusOne().map(({ site: { file, line } }) => ({ file, line }))
  }
  const lease = await manager.acquire() // MARK: held
  found.held = manager.getHolders().map(({ checkedOutBy }) => checkedOutBy)
  lease.release()
  console.log(JSON.stringify(found))
  await dataSource.destroy()
  await manager.close()
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
