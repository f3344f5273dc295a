import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core'
import { EntitySchema } from 'typeorm'

/** The tables of an application whose users write posts. */
export const POSTS_TABLES = `
  create table "User" (id serial primary key, email text not null unique, name text);
  create table "Post" (id serial primary key, title text not null, published boolean not null default false,
    "authorId" int not null references "User")`

/** Posts, as TypeORM has them described. */
export const Post = new EntitySchema<{ id: number; title: string; authorId: number }>({
  name: 'Post',
  tableName: 'Post',
  columns: {
    id: { type: Number, primary: true, generated: true },
    title: { type: String },
    authorId: { type: Number },
  },
})

/** Posts, as Drizzle has them described. */
export const posts = pgTable('Post', {
  id: serial('id').primaryKey(),
  title: text('title'),
  authorId: integer('authorId'),
})
