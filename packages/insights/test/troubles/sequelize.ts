import type { ConnectionManager } from '@connmgr/core'
import { getConnections, withConnectionManager } from '@connmgr/sequelize'
import { DataTypes, literal, Sequelize } from 'sequelize'
import type { OpenSubject } from './subject.js'

/** Sequelize, in the dialect of the database, which makes its manager itself. */
export function sequelizeOn(dialect: 'postgres' | 'mysql', url: () => string): OpenSubject {
  return async (unused) => {
    await unused.close()
    const sequelize = withConnectionManager(
      new Sequelize(url(), { dialect, logging: false, pool: { max: 5 } }),
      { logger: false },
    )
    const settings = { timestamps: false, freezeTableName: true }
    const User = sequelize.define('User', { email: DataTypes.STRING }, settings)
    const Post = sequelize.define(
      'Post',
      { title: DataTypes.STRING, authorId: DataTypes.INTEGER },
      settings,
    )
    User.hasMany(Post, { foreignKey: 'authorId' })
    return {
      async repeat() {
        for (const user of await User.findAll())
          await Post.findAll({ where: { authorId: user.get('id') as number } }) // MARK: sequelize repeats
      },
      async repeatByFunction() {
        const postsOf = (authorId: number) => Post.findAll({ where: { authorId } }) // MARK: sequelize returns
        const users = await User.findAll()
        await Promise.all(users.map((user) => postsOf(user.get('id') as number)))
      },
      join: () => User.findAll({ include: [Post] }),
      async holdIdle(elsewhere) {
        await sequelize.transaction(async (transaction) => {
          await Post.update({ title: 'held' }, { where: { id: 1 }, transaction }) // MARK: sequelize holds
          await elsewhere()
        })
      },
      async lock(locked, release) {
        await sequelize.transaction(async (transaction) => {
          await Post.update({ title: 'locked' }, { where: { id: 2 }, transaction }) // MARK: sequelize locks
          locked()
          await release
        })
      },
      async wait() {
        await Post.update({ title: 'waits' }, { where: { id: 2 } }) // MARK: sequelize waits
      },
      async slow(sql) {
        await Post.findAll({ where: literal(sql) }) // MARK: sequelize is slow
      },
      close: () => sequelize.close(),
      manager: getConnections(sequelize) as unknown as ConnectionManager<object>,
    }
  }
}
