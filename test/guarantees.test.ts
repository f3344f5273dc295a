import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(__dirname, '..')
const rows = readFileSync(join(ROOT, 'docs', 'guarantees.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| [^-]/.test(line) && !line.startsWith('| promise'))
  .map((line) => line.split(' | ') as [string, string])

test.each(rows)('%s has a proof that exists', (_promise, proof) => {
  const files = [...proof.matchAll(/`([^`]+\.tsx?)`/g)].map(([, file]) => file as string)
  expect(files).not.toEqual([])
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
})
