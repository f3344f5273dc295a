import { createConnectionManager, ManagedPool } from '@connmgr/pg'
import type { Access, Given } from '../adapters.js'

export async function openManager(given: Given): Promise<Access> {
  const manager = 'acquire' in given ? given : createConnectionManager(given)
  return {
    connections: manager,
    query: (text) => manager.use(async (client) => (await client.query(text)).rows),
    transaction: (work) =>
      manager.transaction((client) => work(async (text) => (await client.query(text)).rows)),
    leak: async () => {
      const lease = await manager.acquire()
      return async () => lease.release()
    },
    close: async () => {
      if (manager !== given) await manager.close()
    },
  }
}

export async function openPool(given: Given): Promise<Access> {
  const pool = 'acquire' in given ? given.pool : new ManagedPool(given)
  return {
    connections: pool.$connections,
    query: async (text) => (await pool.query(text)).rows,
    transaction: async (work) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await work(async (text) => (await client.query(text)).rows)
        await client.query('commit')
      } finally {
        client.release()
      }
    },
    leak: async () => {
      const client = await pool.connect()
      return async () => client.release()
    },
    close: async () => {
      if (!('acquire' in given)) await pool.end()
    },
  }
}
