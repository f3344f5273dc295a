import { spawn } from 'node:child_process'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { patient, sourceAliases, startCluster } from '@connmgr/testing'
import { build } from 'esbuild'

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
    alias: sourceAliases('core', 'pg'),
  })
  return outputFiles[0]?.text ?? ''
}

test("OpenTelemetry sees the statements of users, and nothing of a manager's own", async () => {
  await using cluster = await startCluster({ standbys: 1 })
  const urls = cluster.nodes.map((node) => node.url())
  const child = spawn(process.execPath, ['-', ...urls], {
    cwd: FOLDER,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: patient(40_000),
  })
  child.stdin.end(await bundle('instrumented.ts'))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(stderr).toBe('')
  const spans = JSON.parse(stdout)
  expect(spans.idle).toEqual([])
  // The connection that the statement needed is a span of its own.
  expect(spans.first.filter((each: string) => each !== 'pg.connect')).toEqual([
    'select 42 as answer',
  ])
  expect(spans.later.filter((each: string) => each !== 'pg.connect')).toEqual([
    "set work_mem to '1MB'",
    'select 43 as answer',
  ])
})
