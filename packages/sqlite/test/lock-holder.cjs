// A process of its own that holds the lock of a database for writing: `node lock-holder.cjs <library> <file>`.
// It writes "locked", waits for "release" on its standard input, commits, and goes on so until that ends.
const readline = require('node:readline')
const [library, file] = process.argv.slice(2)
const database = open()
const lines = readline.createInterface({ input: process.stdin })
lines.on('line', (line) => {
  if (line === 'lock') lock()
  if (line === 'release') {
    database.exec('COMMIT')
    process.stdout.write('released\n')
  }
})
lines.on('close', () => process.exit(0))

function lock() {
  try {
    database.exec('BEGIN IMMEDIATE')
    database.exec("INSERT INTO ledger (caller, amount) VALUES ('other process', 0)")
    process.stdout.write('locked\n')
  } catch (error) {
    if (!/locked|busy/i.test(String(error.message))) throw error
    setTimeout(lock, 2)
  }
}

function open() {
  if (library === 'node:sqlite') return new (require('node:sqlite').DatabaseSync)(file)
  return new (require(library))(file, { timeout: 0 })
}
