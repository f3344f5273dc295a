import { type PostgresCluster, startCluster } from '../postgres/postgres-cluster.js'

/** Starts a server with the table `items`, whose rows have the ids 1 to 3. */
export async function startItems(): Promise<PostgresCluster> {
  const cluster = await startCluster()
  await cluster.primary.query('create table items (id int primary key)')
  await cluster.primary.query('insert into items select generate_series(1, 3)')
  return cluster
}
