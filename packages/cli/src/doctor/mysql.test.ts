import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  describeEachProduct,
  type MysqlCluster,
  patient,
  TEST_CERTIFICATE,
  TEST_KEY,
} from '@connmgr/testing'
import { doctor, found } from '../../test/doctor.js'
import { runCommand } from '../../test/run-command.js'

describeEachProduct('doctor', ({ product, start }) => {
  const { replica: word } = product.replication
  let cluster: MysqlCluster

  beforeAll(async () => {
    cluster = await start({ replicas: 1 })
  })
  afterAll(() => cluster.stop())

  test('knows the product, the roles, and what an account of few rights may not see', async () => {
    const [replica] = cluster.replicas
    const { report } = await doctor(
      '--url',
      cluster.primary.url(),
      '--url',
      replica?.url() as string,
    )
    expect(report.servers).toMatchObject([
      {
        database: 'mysql',
        version:
          product.name === 'MySQL'
            ? expect.stringMatching(/^\d+\.\d+\.\d+(?!.*MariaDB)/)
            : expect.stringContaining('MariaDB'),
        role: 'primary',
        writable: true,
      },
      { role: 'standby', writable: false },
    ])
    expect(report.servers[0]?.facts).toMatchObject({
      seesOtherAccounts: false,
      max_connections: expect.stringMatching(/^\d+$/),
    })
    expect(report.notSeen).toContainEqual(
      expect.objectContaining({ what: 'sessions of other accounts' }),
    )
    expect(found(report, 'no-primary')).toBeUndefined()
    expect(found(report, 'servers-of-several-clusters')).toBeUndefined()
    expect(JSON.stringify(report)).not.toContain('app-secret')
  })

  test('names tables that cannot roll back, that lack a key, and indexes that are there twice', async () => {
    const { primary } = cluster
    await primary.query(
      'create table plain (id int primary key, a int, b int, key ab (a, b), key ab_again (a, b))',
    )
    await primary.query('create table keyless (a int)')
    await primary.query('create table unsafe (id int primary key) engine = MyISAM')
    const { code, report } = await doctor('--url', primary.url())
    expect(code).toBe(1)
    expect(found(report, 'duplicate-index')).toMatchObject({
      evidence: ['ab_again on app.plain is the same as ab'],
      fix: 'Drop it: alter table app.plain drop index ab_again.',
    })
    expect(found(report, 'tables-without-primary-key')?.evidence).toEqual(['app.keyless'])
    expect(found(report, 'tables-without-transactions')?.evidence).toEqual(['app.unsafe (MyISAM)'])
  })

  test('counts connections, and compares the wait_timeout with the idle timeout of the pool', async () => {
    const { primary } = cluster
    await primary.query('set global wait_timeout = 60')
    const { report } = await doctor('--url', primary.url(), '--instances', '1000')
    expect(found(report, 'connections-exceed-server')?.severity).toBe('critical')
    expect(found(report, 'server-ends-idle-connections')?.evidence[0]).toBe('wait_timeout = 1 min')
    await primary.query('set global wait_timeout = default')
  })

  test('a primary that was set read-only, and a replica that has stopped, are critical', async () => {
    const { primary } = cluster
    await primary.demote()
    try {
      const { report } = await doctor('--url', primary.url())
      expect(report.servers[0]?.writable).toBe(false)
      expect(report.findings.map(({ id }) => id)).toEqual(
        expect.arrayContaining([expect.stringMatching(/^(no-primary|primary-read-only)$/)]),
      )
    } finally {
      await primary.setReadOnly(false)
    }
    const [replica] = cluster.replicas
    await replica?.query(`stop ${word}`)
    const { report } = await doctor('--url', replica?.url({ user: 'admin' }) as string)
    expect(found(report, 'replication-stopped')?.severity).toBe('critical')
    await replica?.query(`start ${word}`)
  })

  test('a replica that takes writes, and an account that read_only does not stop, are found', async () => {
    const [replica] = cluster.replicas
    const evidence = (value: string): string[] => [
      `read_only = ${value}`,
      ...(product.name === 'MySQL' ? ['super_read_only = OFF'] : []),
    ]
    const asAdmin = await doctor('--url', replica?.url({ user: 'admin' }) as string)
    expect(found(asAdmin.report, 'account-writes-on-replicas')).toMatchObject({
      severity: 'warning',
      title: expect.stringContaining('admin@'),
      evidence: evidence('ON'),
    })
    const asApp = await doctor('--url', replica?.url() as string)
    expect(found(asApp.report, 'account-writes-on-replicas')).toBeUndefined()
    expect(found(asAdmin.report, 'replica-takes-writes')).toBeUndefined()
    await replica?.query('set global read_only = 0')
    try {
      const { report } = await doctor('--url', replica?.url({ user: 'admin' }) as string)
      expect(found(report, 'replica-takes-writes')).toMatchObject({
        severity: 'critical',
        evidence: evidence('OFF'),
      })
      const { report: ofPrimary } = await doctor('--url', cluster.primary.url({ user: 'admin' }))
      expect(found(ofPrimary, 'replica-takes-writes')).toBeUndefined()
    } finally {
      await replica?.query('set global read_only = 1')
    }
  })

  test('check says which of them is the primary', async () => {
    const [replica] = cluster.replicas
    const { code, stdout } = await runCommand([
      'check',
      '--json',
      '--timeout',
      `${patient(5000)}`,
      '--url',
      replica?.url() as string,
      '--url',
      cluster.primary.url(),
    ])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      primary: `127.0.0.1:${cluster.primary.port}/app`,
    })
  })
})

describeEachProduct('doctor of a server that speaks TLS', ({ start }) => {
  test('says whether the certificate is verified', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'connmgr-cli-tls-'))
    const certificate = path.join(folder, 'certificate.pem')
    const key = path.join(folder, 'key.pem')
    writeFileSync(certificate, TEST_CERTIFICATE)
    writeFileSync(key, TEST_KEY, { mode: 0o600 })
    const cluster = await start({ settings: { 'ssl-cert': certificate, 'ssl-key': key } })
    try {
      const url = cluster.primary.url()
      const tls = async (parameters: string) =>
        (await doctor('--url', `${url}${parameters}`)).report.servers[0]?.tls
      expect(await tls('')).toEqual({ encrypted: false })
      expect(await tls('?ssl-mode=required')).toMatchObject({ encrypted: true, verified: false })
      const strict = `?ssl-mode=verify_identity&ssl-ca=${encodeURIComponent(certificate)}`
      expect(await tls(strict)).toMatchObject({ encrypted: true, verified: true })
    } finally {
      await cluster.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
