// Another process that uses the same file: it takes the lock for writing, and keeps it until it ends.
const [library, file] = process.argv.slice(2)
const Library = library === 'node:sqlite' ? require('node:sqlite').DatabaseSync : require(library)
const database = new Library(file)

function take() {
  try {
    database.exec('begin immediate')
    database.exec("insert into ledger (id, orm) values ('never committed', 'another process')")
    process.stdout.write('locked\n')
    setInterval(() => {}, 1000)
  } catch {
    setTimeout(take, 1)
  }
}

take()
