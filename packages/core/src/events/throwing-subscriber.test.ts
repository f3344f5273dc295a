import { spawn } from 'node:child_process'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { patient, sourceAliases } from '@connmgr/testing'
import { build } from 'esbuild'

const FOLDER = path.join(__dirname, '..', '..')

test('a subscriber that throws breaks neither its statement nor the pool; Node reports the error', async () => {
  const { outputFiles } = await build({
    entryPoints: [path.join(FOLDER, 'test', 'throwing-subscriber.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: sourceAliases('core'),
  })
  const child = spawn(process.execPath, ['-'], {
    cwd: FOLDER,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: patient(20_000),
  })
  child.stdin.end(outputFiles[0]?.text)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({
    received: ['start', 'end', 'asyncEnd'],
    uncaught: ['thrown in start', 'thrown in end', 'thrown in asyncEnd'],
    idle: 1,
    inUse: 0,
  })
})
