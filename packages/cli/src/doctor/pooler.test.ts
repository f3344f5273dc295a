import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  describePgBouncer,
  type PostgresCluster,
  startCluster,
  startPgBouncer,
} from '@connmgr/testing'
import { doctor, idsOf } from '../../test/doctor.js'

describePgBouncer('doctor behind PgBouncer', () => {
  let users: string
  let trusted: PostgresCluster

  beforeAll(async () => {
    users = mkdtempSync(path.join(tmpdir(), 'connmgr-cli-users-'))
    chmodSync(users, 0o755)
    writeFileSync(path.join(users, 'users.txt'), '"postgres" ""\n"weak" ""\n', { mode: 0o644 })
    trusted = await startCluster()
  })
  afterAll(async () => {
    await trusted.stop()
    rmSync(users, { recursive: true, force: true })
  })

  /** The console of this one answers `postgres`, and refuses `weak`. */
  const startBouncer = (settings: Record<string, string | number>) =>
    startPgBouncer(trusted.primary.url(), {
      auth_type: 'trust',
      auth_file: path.join(users, 'users.txt'),
      admin_users: 'postgres',
      ...settings,
    })
  const asWeak = (url: string): string => url.replace('postgres@', 'weak@')

  test('asks its console for the mode, or sees it by what becomes of sessions', async () => {
    const bouncer = await startBouncer({ pool_mode: 'transaction' })
    try {
      const asked = await doctor('--url', bouncer.url, '--instances', '100')
      expect(asked.report.servers[0]?.facts).toMatchObject({
        pooler: 'pgbouncer',
        poolMode: 'transaction',
      })
      expect(idsOf(asked.report)).toContain('pooler-in-transaction-mode')
      expect(idsOf(asked.report)).toContain('connections-exceed-pooler')
      expect(idsOf(asked.report)).not.toContain('connections-exceed-server')
      const refused = await doctor('--url', asWeak(bouncer.url))
      expect(refused.report.servers[0]?.facts).toMatchObject({
        pooler: 'some',
        poolMode: 'transaction',
      })
      expect(refused.report.notSeen.map(({ what }) => what)).not.toContain('pooler')
    } finally {
      await bouncer.stop()
    }
  })

  test('a pool of one session, in session mode, is not waited for', async () => {
    const bouncer = await startBouncer({ pool_mode: 'session', default_pool_size: 1 })
    try {
      const asked = await doctor('--url', bouncer.url)
      expect(asked.report.servers[0]?.facts).toMatchObject({ poolMode: 'session' })
      const refused = await doctor('--url', asWeak(bouncer.url))
      expect(refused.report.servers[0]?.facts).toMatchObject({ pooler: 'some', poolMode: null })
      expect(idsOf(refused.report)).toContain('pooler-between')
      expect(refused.report.notSeen.map(({ what }) => what)).not.toContain('pooler')
    } finally {
      await bouncer.stop()
    }
  })
})
