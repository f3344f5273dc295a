import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { BundleParts } from './bundle-parts.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'connmgr-bundle-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function partsOf(...lines: string[]): BundleParts | undefined {
  const file = path.join(folder, 'bundle.js')
  writeFileSync(file, lines.join('\n'))
  return BundleParts.of(file)
}

test('a line is of the module whose path stands above it', () => {
  const parts = partsOf(
    'var __defProp = Object.defineProperty;',
    '// node_modules/typeorm/query-builder/SelectQueryBuilder.js',
    'var require_SelectQueryBuilder = __commonJS({',
    '});',
    '// src/orders.ts',
    'function load() {',
    '  // a comment of the program.js',
    '}',
  )
  expect([1, 2, 4, 5, 8, 900].map((line) => parts?.at(line))).toEqual([
    undefined,
    'node_modules/typeorm/query-builder/SelectQueryBuilder.js',
    'node_modules/typeorm/query-builder/SelectQueryBuilder.js',
    'src/orders.ts',
    'src/orders.ts',
    'src/orders.ts',
  ])
})

test('a file that says nothing of its modules, and one that is none, have no parts', () => {
  expect(partsOf('"use strict";var a=1;', '// minified')).toBeUndefined()
  expect(BundleParts.of('[stdin]')).toBeUndefined()
})
