import { DataTypes, Op, Sequelize } from 'sequelize'
import type { Random } from './random.js'

/** Never connects. */
const sequelize = new Sequelize({ dialect: 'postgres', logging: false })
const Post = sequelize.define(
  'Post',
  {
    title: DataTypes.STRING,
    authorId: DataTypes.INTEGER,
    published: DataTypes.BOOLEAN,
    likes: DataTypes.INTEGER,
  },
  { tableName: 'Posts' },
)

/** The part of Sequelize's generator that writes statements; it has no types. */
interface QueryGenerator {
  selectQuery(table: string, options: object, model: unknown): string
  deleteQuery(table: string, where: object, options: object, model: unknown): string
  bulkInsertQuery(table: string, rows: object[], options: object, attributes: object): string
  updateQuery(
    table: string,
    values: object,
    where: object,
    options: object,
    attributes: object,
  ): string | { readonly query: string }
}

const generator = sequelize.getQueryInterface().queryGenerator as QueryGenerator

/** A statement as Sequelize writes it: mostly with its values in the text. */
export function sequelizeStatement(random: Random): string {
  return random.pick([select, insert, update, remove])(random)
}

function where(random: Random): object {
  return random.pick([
    { id: random.integer(1, 99) },
    { id: { [Op.in]: random.list(1, 9, () => random.integer(1, 99)) } },
    { title: { [Op.like]: `%${random.integer(1, 99)}'s%` }, published: random.chance(0.5) },
    { authorId: null, likes: { [Op.gt]: random.integer(-9, 99) } },
    { [Op.or]: random.list(2, 4, () => ({ id: random.integer(1, 99) })) },
    { authorId: { [Op.ne]: null } },
  ])
}

function select(random: Random): string {
  const options = {
    attributes: random.some(['id', 'title', 'authorId', 'published', 'likes']),
    where: where(random),
    ...(random.chance(0.5) ? { order: [['id', random.pick(['ASC', 'DESC'])]] } : {}),
    ...(random.chance(0.5) ? { limit: random.integer(1, 99) } : {}),
  }
  return generator.selectQuery('Posts', options, Post)
}

function insert(random: Random): string {
  const columns = random.some(['title', 'authorId', 'published', 'likes'])
  const row = (): object =>
    Object.fromEntries(
      columns.map((column) => [
        column,
        column === 'title'
          ? `it's ${random.integer(1, 9)}`
          : column === 'published'
            ? random.chance(0.5)
            : random.integer(-9, 99),
      ]),
    )
  return generator.bulkInsertQuery('Posts', random.list(1, 5, row), {}, Post.rawAttributes)
}

function update(random: Random): string {
  const values = random.pick([{ title: 'x' }, { likes: 3, published: null }, { published: true }])
  const made = generator.updateQuery(
    'Posts',
    values,
    where(random),
    { bindParam: false },
    Post.rawAttributes,
  )
  return typeof made === 'string' ? made : made.query
}

function remove(random: Random): string {
  return generator.deleteQuery('Posts', where(random), {}, Post)
}
