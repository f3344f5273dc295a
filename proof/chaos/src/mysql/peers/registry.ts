import { direct, type Peer } from '../../peers/client.js'

/** Every client of the comparison, ours first. */
export const PEERS: readonly Peer[] = [
  direct('connmgr', 'connmgr', async () => (await import('./clients/connmgr.js')).connmgrPool()),
  direct('connmgr-replay', 'connmgr, replay: safe', async () =>
    (await import('./clients/connmgr.js')).connmgrReplay(),
  ),
  direct(
    'mysql2',
    'mysql2 pool as it comes',
    async () => new (await import('./clients/mysql2-pool.js')).Mysql2Pool({ tuned: false }),
  ),
  direct(
    'mysql2-tuned',
    'mysql2 pool tuned',
    async () => new (await import('./clients/mysql2-pool.js')).Mysql2Pool({ tuned: true }),
  ),
  direct(
    'pool-cluster',
    'mysql2 PoolCluster tuned',
    async () => new (await import('./clients/pool-cluster.js')).Mysql2PoolCluster(),
  ),
  direct(
    'typeorm-tuned',
    'TypeORM tuned',
    async () => new (await import('./clients/typeorm.js')).TypeormTuned(),
  ),
  direct(
    'aws',
    'AWS wrapper, tuned',
    async () => new (await import('./clients/aws-wrapper.js')).AwsWrapper(),
  ),
]
