import type { ConnectionManager } from '@connmgr/core'
import { withConnectionManager } from '@connmgr/prisma'
import type { PrismaClient } from '../../../prisma/test/generated/client.js'
import type { OpenSubject } from './subject.js'

type Manage = (
  make: (adapter: unknown) => object,
  manager: ConnectionManager<object>,
) => PrismaClient

/** Prisma, with the client that was generated for the database. Its errors are as brief as in production. @param posts the name of the table, quoted */
export function prismaOn(Client: unknown, posts: string): OpenSubject {
  return (manager) => {
    const Generated = Client as new (options: object) => PrismaClient
    const manage = withConnectionManager as unknown as Manage
    const client = manage((adapter) => new Generated({ adapter, errorFormat: 'minimal' }), manager)
    const options = { timeout: 60_000 }
    return {
      async repeat() {
        for (const user of await client.user.findMany())
          await client.post.findMany({ where: { authorId: user.id } }) // MARK: prisma repeats
      },
      async repeatByFunction() {
        const postsOf = (authorId: number) => client.post.findMany({ where: { authorId } }) // MARK: prisma returns
        await Promise.all((await client.user.findMany()).map(({ id }) => postsOf(id)))
      },
      join: () => client.user.findMany({ include: { posts: true } }),
      holdIdle: (elsewhere) =>
        client.$transaction(async (tx) => {
          await tx.post.update({ where: { id: 1 }, data: { title: 'held' } }) // MARK: prisma holds
          await elsewhere()
        }, options),
      lock: (locked, release) =>
        client.$transaction(async (tx) => {
          await tx.post.update({ where: { id: 2 }, data: { title: 'locked' } }) // MARK: prisma locks
          locked()
          await release
        }, options),
      async wait() {
        await client.post.updateMany({ where: { id: 2 }, data: { title: 'waits' } }) // MARK: prisma waits
      },
      slow: (sql) => client.$queryRawUnsafe(`select id from ${posts} where ${sql}`), // MARK: prisma is slow
      close: () => client.$disconnect(),
    }
  }
}
