import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type PostgresCluster, startCluster, TEST_CERTIFICATE, TEST_KEY } from '@connmgr/testing'
import { doctor } from '../../test/doctor.js'

describe('doctor of an encrypted connection', () => {
  let folder: string
  let cluster: PostgresCluster

  beforeAll(async () => {
    cluster = await startCluster()
    folder = mkdtempSync(path.join(tmpdir(), 'connmgr-cli-tls-'))
    chmodSync(folder, 0o755)
    writeFileSync(path.join(folder, 'server.crt'), TEST_CERTIFICATE)
    writeFileSync(path.join(folder, 'server.key'), TEST_KEY, { mode: 0o600 })
    const [row] = await cluster.primary.query<{ directory: string }>(
      `select current_setting('data_directory') as directory`,
    )
    const owner = statSync(row?.directory as string).uid
    if (process.getuid?.() === 0) chownSync(path.join(folder, 'server.key'), owner, owner)
    await cluster.primary.query(`alter system set ssl_cert_file = '${folder}/server.crt'`)
    await cluster.primary.query(`alter system set ssl_key_file = '${folder}/server.key'`)
    await cluster.primary.query('alter system set ssl = on')
    await cluster.primary.query('select pg_reload_conf()')
  })
  afterAll(async () => {
    await cluster.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('says whether the certificate is verified', async () => {
    const url = cluster.primary.url()
    const loose = await doctor('--url', `${url}?sslmode=no-verify`)
    expect(loose.report.servers[0]?.tls).toMatchObject({ encrypted: true, verified: false })
    const strict = await doctor(
      '--url',
      `${url}?sslmode=verify-full&sslrootcert=${folder}/server.crt`,
    )
    expect(strict.report.servers[0]?.tls).toMatchObject({
      encrypted: true,
      verified: true,
      certificateEnds: expect.stringMatching(/^2120-01-01/),
    })
  })
})
