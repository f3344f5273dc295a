import type { MysqlNode } from '@connmgr/testing'
import { createConnection } from 'mysql2/promise'
import { now } from '../now.js'
import type { Promotion } from '../server-node.js'

const POLL_MS = 2

/** Promotes a replica, and sees on a plain connection when it has become a primary: from then on a client could write. */
export async function promote(replica: MysqlNode): Promise<Promotion> {
  const connection = await createConnection(replica.url())
  // The server may be lost under it; the question that is under way reports that.
  connection.on('error', () => {})
  const isReadOnly = async (): Promise<boolean> => {
    const [rows] = await connection.query('select @@global.read_only as readOnly')
    return (rows as { readOnly: number }[])[0]?.readOnly === 1
  }
  const watch = async (): Promise<number> => {
    while (await isReadOnly()) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    return now()
  }
  try {
    const askedAt = now()
    const [visibleAt] = await Promise.all([watch(), replica.promote()])
    return { askedAt, visibleAt }
  } finally {
    connection.destroy()
  }
}
