import type { MariadbNode } from '@connmgr/testing'

/** Whether a server has executed all that another has, by the last number of each domain and server in their binary logs. */
export async function hasAllOf(one: MariadbNode, other: MariadbNode): Promise<boolean> {
  const [mine, wanted] = [await lastOf(one), await lastOf(other)]
  return [...wanted].every(([source, number]) => (mine.get(source) ?? 0) >= number)
}

async function lastOf(node: MariadbNode): Promise<Map<string, number>> {
  const [row] = await node.query<{ state: string }>('select @@global.gtid_binlog_state as state')
  const last = new Map<string, number>()
  for (const gtid of (row?.state ?? '').split(',').filter((each) => each !== '')) {
    const [domain, server, number] = gtid.split('-')
    const source = `${domain}-${server}`
    last.set(source, Math.max(last.get(source) ?? 0, Number(number)))
  }
  return last
}
