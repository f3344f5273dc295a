import type { Random } from './random.js'

/** The tables that all builders write statements about. */
export const TABLES = {
  users: ['id', 'email', 'name', 'age', 'created_at'],
  posts: ['id', 'title', 'author_id', 'published', 'likes'],
  comments: ['id', 'post_id', 'user_id', 'body', 'created_at'],
  order_items: ['id', 'order_id', 'product_name', 'quantity', 'price'],
} as const

export type TableName = keyof typeof TABLES

export const TABLE_NAMES = Object.keys(TABLES) as TableName[]

/** How the tables hang together: child, its column, parent. */
export const RELATIONS: readonly [TableName, string, TableName][] = [
  ['posts', 'author_id', 'users'],
  ['comments', 'post_id', 'posts'],
  ['comments', 'user_id', 'users'],
]

export const COMPARISONS = ['=', '<>', '<', '>', '<=', '>='] as const

/** Text, numbers and texts that look like SQL. */
export function randomValue(random: Random): string | number {
  return random.pick<string | number>([
    random.integer(-5, 100_000),
    random.integer(1, 9) / 4,
    `it's ${random.integer(1, 99)}`,
    'a -- b /* c */ ? $1',
    'back\\slash "quoted"',
    '',
  ])
}
