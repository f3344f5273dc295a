import { direct, type Peer } from '../../peers/client.js'

/** Every client of the comparison, ours first. */
export const PEERS: readonly Peer[] = [
  direct('connmgr', 'connmgr', async () => (await import('./clients/connmgr.js')).connmgrPool()),
  direct('connmgr-replay', 'connmgr, replay: safe', async () =>
    (await import('./clients/connmgr.js')).connmgrReplay(),
  ),
  direct(
    'connmgr-typeorm',
    'connmgr under TypeORM',
    async () => new (await import('./clients/connmgr.js')).ConnmgrTypeorm(),
  ),
  direct(
    'pg',
    'pg.Pool as it comes',
    async () => new (await import('./clients/pg-pool.js')).PgPool({ tuned: false }),
  ),
  direct(
    'pg-tuned',
    'pg.Pool tuned',
    async () => new (await import('./clients/pg-pool.js')).PgPool({ tuned: true }),
  ),
  direct(
    'typeorm',
    'TypeORM as it comes',
    async () => new (await import('./clients/typeorm.js')).Typeorm({ tuned: false }),
  ),
  direct(
    'typeorm-tuned',
    'TypeORM tuned',
    async () => new (await import('./clients/typeorm.js')).Typeorm({ tuned: true }),
  ),
  direct(
    'knex-tuned',
    'Knex tuned',
    async () => new (await import('./clients/knex.js')).KnexTuned(),
  ),
  direct(
    'postgres-js',
    'postgres.js, host list',
    async () => new (await import('./clients/postgres-js.js')).PostgresJs(),
  ),
  direct(
    'aws',
    'AWS wrapper, tuned',
    async () => new (await import('./clients/aws-wrapper.js')).AwsWrapper({ guarded: false }),
  ),
  direct(
    'aws-guarded',
    'AWS wrapper, tuned and guarded',
    async () => new (await import('./clients/aws-wrapper.js')).AwsWrapper({ guarded: true }),
  ),
  {
    name: 'haproxy-pg',
    title: 'HAProxy + pg.Pool tuned',
    route: 'haproxy',
    load: async () => new (await import('./clients/pg-pool.js')).PgPool({ tuned: true }),
  },
]
