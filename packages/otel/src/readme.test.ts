import { readFileSync } from 'node:fs'
import path from 'node:path'
import { metricsTable } from '../test/metrics-table.js'

test('the README lists every metric as the code has it', () => {
  const readme = readFileSync(path.join(__dirname, '..', 'README.md'), 'utf8')
  const table = /^\| metric .*(?:\n\|.*)*/m.exec(readme)?.[0]
  expect(table).toBe(metricsTable())
})
