import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { patient, sourceAliases } from '@connmgr/testing'
import { build } from 'esbuild'

const PROGRAM = path.join(__dirname, '..', '..', 'test', 'collector', 'memory-program.ts')
const MEGABYTE = 2 ** 20

test('500 fingerprints take at most 4 MB, with every time that there is, at many call sites', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'connmgr-insights-'))
  const outfile = path.join(directory, 'program.cjs')
  try {
    await build({
      entryPoints: [PROGRAM],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      alias: sourceAliases('core', 'testing'),
      packages: 'external',
      absWorkingDir: __dirname,
      logLevel: 'silent',
    })
    const said = execFileSync(process.execPath, ['--expose-gc', outfile], {
      encoding: 'utf8',
      timeout: patient(50_000),
      env: { ...process.env, NODE_PATH: path.join(__dirname, '../../../../node_modules') },
    })
    const { bytes, fingerprints } = JSON.parse(said) as { bytes: number; fingerprints: number }
    expect(fingerprints).toBe(500)
    expect(bytes).toBeGreaterThan(0.2 * MEGABYTE)
    expect(bytes).toBeLessThan(4 * MEGABYTE)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
