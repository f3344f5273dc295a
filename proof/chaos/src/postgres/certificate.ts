import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { PostgresNode } from '@connmgr/testing'
import type { ChaosContext } from './context.js'

/** Gives a server a certificate of its own making, and returns it. */
export async function useCertificate(context: ChaosContext, node: PostgresNode): Promise<string> {
  const [row] = await node.query<{ directory: string }>(
    `select current_setting('data_directory') as directory`,
  )
  const directory = row?.directory ?? ''
  const key = path.join(directory, 'server.key')
  const certificate = path.join(directory, 'server.crt')
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  })
  const { uid, gid } = statSync(directory)
  for (const file of [key, certificate]) {
    chmodSync(file, 0o600)
    chownSync(file, uid, gid)
  }
  await node.query('alter system set ssl = on')
  await node.query('select pg_reload_conf()')
  await context.until(async () => {
    const rows = await node.query<{ ssl: string }>(`select current_setting('ssl') as ssl`)
    return rows[0]?.ssl === 'on'
  }, `${node.name} has switched TLS on`)
  return readFileSync(certificate, 'utf8')
}
