import { spawn } from 'node:child_process'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { patient, sourceAliases } from '@connmgr/testing'
import { build } from 'esbuild'
import { startShop } from '../test/shop.js'

const FOLDER = path.join(__dirname, '..')

/** A program of `test/` with our packages in it, as one CommonJS module. */
async function bundle(program: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(FOLDER, 'test', program)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: sourceAliases('core', 'pg', 'prisma'),
  })
  return outputFiles[0]?.text ?? ''
}

it('a process in which nothing works gets one code for each failure, and ends by itself', async () => {
  await using cluster = await startShop({ hbaMethod: 'scram-sha-256' })
  const child = spawn(process.execPath, ['-'], {
    cwd: FOLDER,
    env: {
      ...process.env,
      DATABASE_URL: cluster.primary.url(),
      ACQUIRE_TIMEOUT_MS: String(patient(500)),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: patient(40_000),
  })
  child.stdin.end(await bundle('all-failing.ts'))
  const exited = new Promise((resolve) => child.on('exit', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect({ stderr, exitCode: await exited }).toEqual({ stderr: '', exitCode: 0 })
  expect(JSON.parse(stdout)).toEqual({
    fine: 0,
    wrongOption: 'CONNMGR_INVALID_OPTION',
    wrongUrl: 'CONNMGR_INVALID_OPTION',
    unreachable: 'CONNMGR_ACQUIRE_TIMEOUT',
    wrongPassword: 'CONNMGR_CONNECT_FAILED',
    missingDatabase: 'CONNMGR_CONNECT_FAILED',
  })
})
