import type { MysqlConnectionManager } from '@connmgr/mysql'
import {
  describeEachProduct,
  MYSQL_PASSWORDS,
  type MysqlCluster,
  type MysqlLab,
  provokeDeadlock,
} from '@connmgr/testing'
import { enginesRead } from '../../mysql/test/known-engines.js'
import { describeSequelize } from '../test/describe-sequelize.js'
import type { Harness } from '../test/subjects.js'

function harnessOf({ start }: MysqlLab): Harness {
  let cluster: MysqlCluster
  return {
    dialect: 'mysql',
    secret: MYSQL_PASSWORDS.app,
    start: async () => {
      cluster = await start({ replicas: 1 })
    },
    stop: () => cluster.stop(),
    url: () => cluster.primary.url(),
    replicaUrl: () => cluster.replicas[0]?.url() ?? '',
    cutOff: async (sequelize, transaction) => {
      const [rows] = await sequelize.query('select connection_id() as id', { transaction })
      await cluster.primary.query(`kill ${(rows as { id: number }[])[0]?.id}`)
    },
    conflict: (sequelize, transaction) =>
      provokeDeadlock(cluster.primary, (text) => sequelize.query(text, { transaction })),
    untilReplayable: (manager) => enginesRead(manager as MysqlConnectionManager),
    failOver: async (lost) => {
      const [replica] = cluster.replicas
      if (replica === undefined) throw new Error('there is no replica')
      await replica.waitForReplay(cluster.primary)
      await cluster.primary.crash()
      await lost()
      await replica.promote()
    },
    isReplica: 'select @@global.read_only as replica',
    zone: 'select @@session.time_zone as zone',
    twoHoursAhead: '+02:00',
    changeZone: "set time_zone = '+09:00'",
    asksForPassword: true,
  }
}

describeEachProduct('Sequelize', (lab) =>
  describeSequelize(describe, 'over mysql2', harnessOf(lab)),
)
