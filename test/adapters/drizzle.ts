import * as drizzle from '@connmgr/drizzle'
import { sql } from 'drizzle-orm'
import type { Access, Given } from '../adapters.js'
import { leakIn } from './leak-in.js'

export async function open(given: Given): Promise<Access> {
  const db = drizzle.withConnectionManager({}, given)
  return {
    connections: db.$connections,
    query: async (text) => (await db.execute(sql.raw(text))).rows,
    transaction: (work) =>
      db.transaction((tx) => work(async (text) => (await tx.execute(sql.raw(text))).rows)),
    leak: () => leakIn((work) => db.transaction(work)),
    close: async () => {
      if (!('acquire' in given)) await db.$connections.close()
    },
  }
}
