import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { patient, sourceAliases } from '@connmgr/testing'
import { build } from 'esbuild'
import { startReceivingServer } from '../../test/alerts/receiving-server.js'

const PROGRAM = path.join(__dirname, '..', '..', 'test', 'alerts', 'hanging-program.ts')

test('alerts, deliveries that hang included, keep no process running', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'connmgr-alerts-'))
  const outfile = path.join(directory, 'program.cjs')
  const server = await startReceivingServer()
  server.answer = () => undefined
  try {
    await build({
      entryPoints: [PROGRAM],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      alias: sourceAliases('core'),
      logLevel: 'silent',
    })
    const child = spawn(process.execPath, [outfile, server.url], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: patient(50_000),
    })
    const said = text(child.stdout)
    const exited = once(child, 'exit')
    await Promise.race([server.request(0), exited])
    child.stdin.end()
    // The receiver still holds its request open: with anything to wait for, the process would be ended by its timeout.
    const [code] = await exited
    expect([code, await said, server.received.length]).toEqual([0, 'ended by itself', 1])
  } finally {
    await server.close()
    rmSync(directory, { recursive: true })
  }
})
