import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describeEachProduct } from './describe-products.js'
import type { MysqlPrograms } from './product.js'
import { MysqlTemplate } from './template.js'

const VARIABLE = 'CONNMGR_TEST_TEMPLATES'

describeEachProduct('the files that servers start from', ({ product }) => {
  const before = process.env[VARIABLE]
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'template-test-'))
  })
  afterEach(() => {
    if (before === undefined) delete process.env[VARIABLE]
    else process.env[VARIABLE] = before
    rmSync(directory, { recursive: true, force: true })
  })

  test('are made once in a run and copied by all clusters of it', async () => {
    process.env[VARIABLE] = directory
    const programs = product.find() as MysqlPrograms
    const first = path.join(directory, 'first')
    await new MysqlTemplate(product.id, programs, first).copyTo(path.join(first, 'node-1'))
    expect(readdirSync(directory).sort()).toEqual(['first', product.id])
    // This one has no program to make them with.
    const makeFiles = () => Promise.reject(new Error('there is no program'))
    const second = new MysqlTemplate(product.id, { makeFiles }, directory)
    await second.copyTo(path.join(directory, 'node-2'))
    expect(readdirSync(path.join(directory, 'node-2'))).toEqual(
      readdirSync(path.join(first, 'node-1')),
    )
  })

  test('are made by each cluster for itself where a run keeps none', async () => {
    delete process.env[VARIABLE]
    const template = new MysqlTemplate(product.id, product.find() as MysqlPrograms, directory)
    await Promise.all([1, 2].map((n) => template.copyTo(path.join(directory, `node-${n}`))))
    expect(readdirSync(directory).sort()).toEqual(['node-1', 'node-2', 'template'])
  })
})
