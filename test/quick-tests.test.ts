import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { QUICK_FILES } from './quick-tests.js'

const ROOT = join(__dirname, '..')

test('the quick form has tests of every package', () => {
  const packages = readdirSync(join(ROOT, 'packages'))
  const covered = packages.filter((name) =>
    QUICK_FILES.some((file) => file.startsWith(`packages/${name}/`)),
  )
  expect(covered).toEqual(packages)
})

test('every file that the quick form names is there', () => {
  const named = QUICK_FILES.filter((file) => !/[*{]/.test(file))
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
  expect(named.length).toBeGreaterThan(4)
})
