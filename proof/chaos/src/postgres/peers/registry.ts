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
    name: 'connmgr-typeorm',
    title: 'connmgr under TypeORM',
    route: 'direct',
    load: async () => new (await import('./clients/connmgr.js')).ConnmgrTypeorm(),
  },
  {
    name: 'pg',
    title: 'pg.Pool as it comes',
    route: 'direct',
    load: async () => new (await import('./clients/pg-pool.js')).PgPool({ tuned: false }),
  },
  {
    name: 'pg-tuned',
    title: 'pg.Pool tuned',
    route: 'direct',
    load: async () => new (await import('./clients/pg-pool.js')).PgPool({ tuned: true }),
  },
  {
    name: 'typeorm',
    title: 'TypeORM as it comes',
    route: 'direct',
    load: async () => new (await import('./clients/typeorm.js')).Typeorm({ tuned: false }),
  },
  {
    name: 'typeorm-tuned',
    title: 'TypeORM tuned',
    route: 'direct',
    load: async () => new (await import('./clients/typeorm.js')).Typeorm({ tuned: true }),
  },
  {
    name: 'knex-tuned',
    title: 'Knex tuned',
    route: 'direct',
    load: async () => new (await import('./clients/knex.js')).KnexTuned(),
  },
  {
    name: 'postgres-js',
    title: 'postgres.js, host list',
    route: 'direct',
    load: async () => new (await import('./clients/postgres-js.js')).PostgresJs(),
  },
  {
    name: 'aws',
    title: 'AWS wrapper, tuned',
    route: 'direct',
    load: async () => new (await import('./clients/aws-wrapper.js')).AwsWrapper({ guarded: false }),
  },
  {
    name: 'aws-guarded',
    title: 'AWS wrapper, tuned and guarded',
    route: 'direct',
    load: async () => new (await import('./clients/aws-wrapper.js')).AwsWrapper({ guarded: true }),
  },
  {
    name: 'haproxy-pg',
    title: 'HAProxy + pg.Pool tuned',
    route: 'haproxy',
    load: async () => new (await import('./clients/pg-pool.js')).PgPool({ tuned: true }),
  },
]
