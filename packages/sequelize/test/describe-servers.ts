import { eventually } from '@connmgr/testing'
import { type Options, Sequelize } from 'sequelize'
import { getConnections } from '../src/index.js'
import { ask, namesIn, type Subjects, type User } from './subjects.js'

/** Several servers: replicas, and failover, which changes the cluster and so comes last. */
export function describeServers(subjects: Subjects): void {
  test('reads go to replicas, but for those that ask for the primary', async () => {
    const { sequelize } = subjects.open({
      replicas: true,
      failoverUrls: [subjects.harness.replicaUrl()],
    })
    await getConnections(sequelize).ready()
    expect(Number((await ask(sequelize, subjects.harness.isReplica)).replica)).toBe(1)
    expect(
      Number((await ask(sequelize, subjects.harness.isReplica, { useMaster: true })).replica),
    ).toBe(0)
    const inTransaction = await sequelize.transaction((transaction) =>
      ask(sequelize, subjects.harness.isReplica, { transaction }),
    )
    expect(Number(inTransaction.replica)).toBe(0)
  })

  test('the servers of its option replication are those of the manager', async () => {
    const primary = new URL(subjects.harness.url())
    const replica = new URL(subjects.harness.replicaUrl())
    const server = (url: URL) => ({ host: url.hostname, port: url.port })
    const sequelize = subjects.manage(
      new Sequelize({
        dialect: subjects.harness.dialect,
        database: primary.pathname.slice(1),
        username: decodeURIComponent(primary.username),
        password: decodeURIComponent(primary.password),
        logging: false,
        pool: { max: 3, acquire: 20_000 },
        replication: {
          write: server(primary),
          read: [server(replica)],
        } as unknown as NonNullable<Options['replication']>,
      }),
    )
    await getConnections(sequelize).ready()
    expect(Number((await ask(sequelize, subjects.harness.isReplica)).replica)).toBe(1)
    expect(getConnections(sequelize).getPoolMetrics()).toMatchObject({ limit: 3 * 2 })
    expect(getConnections(sequelize).getFailoverStatus().endpoints).toHaveLength(2)
  })

  test('writes go on after the primary has crashed and the replica was promoted', async () => {
    const { sequelize, User } = subjects.open({ failoverUrls: [subjects.harness.replicaUrl()] })
    await User.create({ name: 'before' })
    let writing: Promise<User> | undefined
    await subjects.harness.failOver(async () => {
      await eventually(() => getConnections(sequelize).getFailoverStatus().state !== 'STEADY')
      writing = User.create({ name: 'after' })
    })
    expect((await writing)?.name).toBe('after')
    expect(await namesIn(User)).toEqual(['before', 'after'])
    expect(getConnections(sequelize).getFailoverStatus()).toMatchObject({ state: 'STEADY' })
  })
}
