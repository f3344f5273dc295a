import {
  describeMariadb,
  eventually,
  MARIADB_PASSWORDS,
  type MariadbCluster,
  startMariadb,
} from '@connmgr/testing'
import { createConnection } from 'mysql2/promise'
import { describeSequelize, type Harness } from '../test/describe-sequelize.js'

let cluster: MariadbCluster

const MARIADB: Harness = {
  dialect: 'mysql',
  secret: MARIADB_PASSWORDS.app,
  start: async () => {
    cluster = await startMariadb({ replicas: 1 })
    await cluster.primary.query(
      'create table app.locks (id int primary key, n int) select seq as id, 0 as n from seq_1_to_50',
    )
  },
  stop: () => cluster.stop(),
  url: () => cluster.primary.url(),
  replicaUrl: () => cluster.replicas[0]?.url() ?? '',
  cutOff: async (sequelize, transaction) => {
    const [rows] = await sequelize.query('select connection_id() as id', { transaction })
    await cluster.primary.query(`kill ${(rows as { id: number }[])[0]?.id}`)
  },
  /** Two that wait for each other; the server ends the one that has written less. */
  conflict: async (sequelize, transaction) => {
    const other = await createConnection(cluster.primary.url({ user: 'admin' }))
    try {
      await sequelize.query('update locks set n = n + 1 where id = 1', { transaction })
      await other.query('begin')
      await other.query('update locks set n = n + 1 where id between 2 and 50')
      const waiting = other.query('update locks set n = n + 1 where id = 1')
      await eventually(async () => {
        const rows = await cluster.primary.query(
          "select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT'",
        )
        return rows.length > 0
      })
      await Promise.all([
        sequelize.query('update locks set n = n + 1 where id = 2', { transaction }),
        waiting,
      ])
    } finally {
      other.destroy()
    }
  },
  isReplica: 'select @@global.read_only as replica',
  zone: 'select @@session.time_zone as zone',
  twoHoursAhead: '+02:00',
  changeZone: "set time_zone = '+09:00'",
  asksForPassword: true,
}

describeSequelize(describeMariadb, 'Sequelize over mysql2, on MariaDB', MARIADB)
