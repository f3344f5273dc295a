import type { MysqlNode } from '@connmgr/testing'

/** Whether a server has executed all that another has. */
export async function hasAllOf(one: MysqlNode, other: MysqlNode): Promise<boolean> {
  if (one.product.name === 'MySQL') {
    const wanted = await other.executed()
    const [row] = await one.query<{ has: number }>(
      'select gtid_subset(?, @@global.gtid_executed) as has',
      [wanted],
    )
    return row?.has === 1
  }
  const [mine, wanted] = [await lastOf(one), await lastOf(other)]
  return [...wanted].every(([source, number]) => (mine.get(source) ?? 0) >= number)
}

/** In MariaDB: the last number of each domain and server in the binary log. */
async function lastOf(node: MysqlNode): Promise<Map<string, number>> {
  const [row] = await node.query<{ state: string }>('select @@global.gtid_binlog_state as state')
  const last = new Map<string, number>()
  for (const gtid of (row?.state ?? '').split(',').filter((each) => each !== '')) {
    const [domain, server, number] = gtid.split('-')
    const source = `${domain}-${server}`
    last.set(source, Math.max(last.get(source) ?? 0, Number(number)))
  }
  return last
}
