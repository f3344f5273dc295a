import type { ConnectionManager } from '@connmgr/core'
import { withConnectionManager } from '@connmgr/typeorm'
import { DataSource, type DataSourceOptions, EntitySchema } from 'typeorm'
import { Post } from '../posts.js'
import type { OpenSubject } from './subject.js'

const User = new EntitySchema<{ id: number; email: string }>({
  name: 'User',
  tableName: 'User',
  columns: { id: { type: Number, primary: true, generated: true }, email: { type: String } },
})

/** Users, whose posts are read when they are looked at. */
const Author = new EntitySchema<{ id: number; posts: Promise<object[]> }>({
  name: 'Author',
  tableName: 'User',
  columns: { id: { type: Number, primary: true, generated: true } },
  relations: {
    posts: { type: 'one-to-many', target: 'Written', inverseSide: 'author', lazy: true },
  },
})

const Written = new EntitySchema<{ id: number; author: Promise<object> }>({
  name: 'Written',
  tableName: 'Post',
  columns: { id: { type: Number, primary: true, generated: true } },
  relations: {
    author: { type: 'many-to-one', target: 'Author', lazy: true, joinColumn: { name: 'authorId' } },
  },
})

type Manage = (options: object, manager: ConnectionManager<object>) => DataSourceOptions

/** TypeORM, over the driver of the name `type`. */
export function typeormOn(options: {
  readonly type: string
  readonly database?: string
}): OpenSubject {
  return async (manager) => {
    const manage = withConnectionManager as unknown as Manage
    const dataSource = await new DataSource(
      manage({ ...options, entities: [User, Post, Author, Written] }, manager),
    ).initialize()
    const users = dataSource.getRepository(User)
    const posts = dataSource.getRepository(Post)
    return {
      async repeat() {
        for (const user of await users.find()) await posts.findBy({ authorId: user.id }) // MARK: typeorm repeats
      },
      async repeatByFunction() {
        const postsOf = (authorId: number) => posts.findBy({ authorId }) // MARK: typeorm returns
        await Promise.all((await users.find()).map(({ id }) => postsOf(id)))
      },
      async repeatLazily() {
        for (const author of await dataSource.getRepository(Author).find()) await author.posts // MARK: typeorm is lazy
      },
      async join() {
        const all = await users.find()
        await posts
          .createQueryBuilder('p')
          .where('p.authorId in (:...ids)', { ids: all.map(({ id }) => id) })
          .getMany()
      },
      async holdIdle(elsewhere) {
        await dataSource.transaction(async (entities) => {
          await entities.update(Post, 1, { title: 'held' }) // MARK: typeorm holds
          await elsewhere()
        })
      },
      async lock(locked, release) {
        await dataSource.transaction(async (entities) => {
          await entities.update(Post, 2, { title: 'locked' }) // MARK: typeorm locks
          locked()
          await release
        })
      },
      async wait() {
        await posts.update(2, { title: 'waits' }) // MARK: typeorm waits
      },
      async slow(sql) {
        await posts.createQueryBuilder('p').where(sql).getMany() // MARK: typeorm is slow
      },
      close: () => dataSource.destroy(),
    }
  }
}
