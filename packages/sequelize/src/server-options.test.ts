import { Sequelize } from 'sequelize'
import { internalsOf } from './sequelize-internals.js'
import { serversOf, sizesOf } from './server-options.js'
import { offsetOf } from './time-zone.js'
import { getConnections, withConnectionManager } from './with-connection-manager.js'

const options = { dialect: 'postgres', logging: false } as const

test('a Sequelize that names no server has the manager look for one in the environment', () => {
  expect(serversOf(new Sequelize(options), 'postgres', {})).toEqual({})
})

test('the server that the options of the manager name is the only one', () => {
  const sequelize = new Sequelize('postgres://ada:s3cr3t@db1:6000/shop', options)
  expect(serversOf(sequelize, 'postgres', { databaseUrl: 'postgres://db9/other' })).toEqual({})
  expect(serversOf(sequelize, 'postgres', { poolSize: 3 })).toEqual({
    host: 'db1',
    port: 6000,
    user: 'ada',
    database: 'shop',
    password: 's3cr3t',
    failoverUrls: [],
  })
})

test('servers to read from are servers to fail over to, with what they leave out, and named once', () => {
  const sequelize = new Sequelize({
    ...options,
    database: 'shop',
    username: 'ada',
    password: 'p@ss/word',
    port: 6000,
    replication: {
      write: { host: 'db1' },
      read: [{ host: 'db1' }, { host: '::1' }, { host: 'db3', port: 7000, username: 'reader' }],
    } as never,
  })
  expect(serversOf(sequelize, 'postgres', {})).toMatchObject({
    host: 'db1',
    port: 6000,
    user: 'ada',
    failoverUrls: [
      'postgres://ada:p%40ss%2Fword@[::1]:6000/shop',
      'postgres://reader:p%40ss%2Fword@db3:7000/shop',
    ],
  })
})

test('the sizes of the pool are those that Sequelize was given, and no others', () => {
  const sizes = (pool?: object) =>
    sizesOf(internalsOf(new Sequelize({ ...options, ...(pool && { pool }) })).config)
  expect(sizes()).toEqual({})
  expect(sizes({ max: 7, min: 0 })).toEqual({ poolSize: 7, maxOverflow: 0 })
  expect(sizes({ min: 2, max: 4, idle: 5000, acquire: 9000, maxUses: 100 })).toEqual({
    poolSize: 4,
    maxOverflow: 0,
    minIdle: 2,
    idleTimeoutMs: 5000,
    acquireTimeoutMs: 9000,
    maxUses: 100,
  })
})

test('the name of a time zone becomes its offset of today, for servers that know no names', () => {
  expect(offsetOf('+05:30')).toBe('+05:30')
  expect(offsetOf('Asia/Tokyo')).toBe('+09:00')
  expect(offsetOf('America/Phoenix')).toBe('-07:00')
  expect(offsetOf('UTC')).toBe('+00:00')
  expect(() => offsetOf('Mars/Olympus')).toThrow(/"timezone" must be an offset/)
})

test('dialects whose connections are not managed are refused, with what to use instead', () => {
  const refusal = (dialect: 'mariadb' | 'postgres', more: object = {}) => {
    const sequelize = new Sequelize({ dialect, logging: false, ...more })
    return () => withConnectionManager(sequelize)
  }
  expect(refusal('mariadb')).toThrow(/must be one of 'postgres', 'mysql'.* use dialect 'mysql'/)
  const native = new Sequelize(options)
  Object.assign(internalsOf(native).config, { native: true })
  expect(() => withConnectionManager(native)).toThrow(/"native".*leave it out/)
  expect(() => getConnections(native)).toThrow(/has no manager/)
})
