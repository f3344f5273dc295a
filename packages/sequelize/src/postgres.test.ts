import { type PostgresCluster, startCluster } from '@connmgr/testing'
import { describeSequelize } from '../test/describe-sequelize.js'
import type { Harness } from '../test/subjects.js'

let cluster: PostgresCluster

const POSTGRES: Harness = {
  dialect: 'postgres',
  secret: 'pg-s3cr3t',
  start: async () => {
    cluster = await startCluster({ standbys: 1 })
  },
  stop: () => cluster.stop(),
  url: () => withPassword(cluster.primary.url()),
  replicaUrl: () => withPassword(cluster.standbys[0]?.url() ?? ''),
  cutOff: async (sequelize, transaction) => {
    const [rows] = await sequelize.query('select pg_backend_pid() as pid', { transaction })
    await cluster.primary.query('select pg_terminate_backend($1)', [
      (rows as { pid: number }[])[0]?.pid,
    ])
  },
  conflict: (sequelize, transaction) =>
    sequelize.query(`do $$ begin raise exception 'no' using errcode = '40001'; end $$`, {
      transaction,
    }),
  failOver: async (lost) => {
    const [standby] = cluster.standbys
    if (standby === undefined) throw new Error('there is no standby')
    await standby.waitForReplay(cluster.primary)
    await cluster.primary.crash()
    await lost()
    await standby.promote()
  },
  isReplica: 'select pg_is_in_recovery()::int as replica',
  zone: "select current_setting('TimeZone') as zone",
  twoHoursAhead: '<+02>-02',
  changeZone: "set time zone 'Asia/Tokyo'",
  asksForPassword: false,
}

function withPassword(text: string): string {
  const url = new URL(text)
  url.password = 'pg-s3cr3t'
  return url.href
}

describeSequelize(describe, 'Sequelize over node-postgres', POSTGRES)
