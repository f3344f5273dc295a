import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type ClusterOptions, type PostgresCluster, startCluster } from '@connmgr/testing'

/** A cluster with the tables of `schema.prisma`. */
export async function startShop(options?: ClusterOptions): Promise<PostgresCluster> {
  const cluster = await startCluster(options)
  await cluster.primary.query(readFileSync(path.join(__dirname, 'schema.sql'), 'utf8'))
  return cluster
}

/** Takes all rows out of it. */
export async function clearShop(cluster: PostgresCluster): Promise<void> {
  await cluster.primary.query('truncate "User", "Post" restart identity')
}
