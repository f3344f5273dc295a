import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { SqliteLibrary } from '../bindings/binding.js'

const load = createRequire(__filename)

/** Runs in a thread of its own, as text, so that it is there in every bundle. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
const { library, entry, path } = workerData
const loaded = require(entry)
const database =
  library === 'node:sqlite' ? new loaded.DatabaseSync(path, { readOnly: true })
  : library === 'libsql' ? new loaded(path)
  : new loaded(path, { readonly: true, fileMustExist: true })
database.exec('PRAGMA query_only = 1')
const rows = database.prepare('PRAGMA quick_check').all()
database.close()
parentPort.postMessage(rows.map((row) => String(Object.values(row)[0])))
`

/** Reads a whole database for damage, beside the event loop. @returns what is wrong; empty if nothing is */
export function quickCheck(library: SqliteLibrary, path: string): Promise<string[]> {
  const entry = library === 'node:sqlite' ? library : load.resolve(library)
  return new Promise((resolve, reject) => {
    const worker = new Worker(PROGRAM, { eval: true, workerData: { library, entry, path } })
    let problems: string[] | undefined
    worker.once('message', (found: string[]) => {
      problems = found.filter((each) => each !== 'ok')
    })
    worker.once('error', reject)
    worker.once('exit', (code) => {
      if (problems !== undefined) resolve(problems)
      else reject(new Error(`the thread that checks ${path} has ended with code ${code}`))
    })
  })
}
