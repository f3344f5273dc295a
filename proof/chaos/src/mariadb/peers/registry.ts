import type { Peer } from '../../peers/client.js'

/** Every client of the comparison, ours first. */
export const PEERS: readonly Peer[] = [
  {
    name: 'connmgr',
    title: 'connmgr',
    route: 'direct',
    load: async () => new (await import('./clients/connmgr.js')).ConnmgrPool(),
  },
  {
    name: 'connmgr-replay',
    title: 'connmgr, replay: safe',
    route: 'direct',
    load: async () => new (await import('./clients/connmgr.js')).ConnmgrReplay(),
  },
  {
    name: 'mysql2',
    title: 'mysql2 pool as it comes',
    route: 'direct',
    load: async () => new (await import('./clients/mysql2-pool.js')).Mysql2Pool({ tuned: false }),
  },
  {
    name: 'mysql2-tuned',
    title: 'mysql2 pool tuned',
    route: 'direct',
    load: async () => new (await import('./clients/mysql2-pool.js')).Mysql2Pool({ tuned: true }),
  },
  {
    name: 'pool-cluster',
    title: 'mysql2 PoolCluster tuned',
    route: 'direct',
    load: async () => new (await import('./clients/pool-cluster.js')).Mysql2PoolCluster(),
  },
  {
    name: 'typeorm-tuned',
    title: 'TypeORM tuned',
    route: 'direct',
    load: async () => new (await import('./clients/typeorm.js')).TypeormTuned(),
  },
  {
    name: 'aws',
    title: 'AWS wrapper, tuned',
    route: 'direct',
    load: async () => new (await import('./clients/aws-wrapper.js')).AwsWrapper(),
  },
]
