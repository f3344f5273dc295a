import type { ForeignOptions } from '@connmgr/core/driver'

const PATH = { ours: 'filename' }
const URL = { ours: 'databaseUrl' }
const BUSY = { ours: 'busyTimeoutMs' }
const MUST_EXIST = 'write it into databaseUrl: file:app.db?mode=rw'
const NOT_A_FILE = 'databases of a server are not for this package: leave it out'

/** What libraries for SQLite call our options. */
export const FOREIGN_TO_SQLITE: ForeignOptions = {
  path: PATH,
  file: PATH,
  dbpath: PATH,
  dbname: PATH,
  database: PATH,
  storage: PATH,
  location: PATH,
  url: URL,
  uri: URL,
  connectionstring: URL,
  datasourceurl: URL,
  timeout: BUSY,
  busytimeout: BUSY,
  busyerrorretry: BUSY,
  enablewal: "journalMode: 'wal' is the default; leave it out",
  wal: "journalMode: 'wal' is the default; leave it out",
  filemustexist: MUST_EXIST,
  mode: MUST_EXIST,
  open: { ours: 'readOnly' },
  verbose: 'manager.observeQueries tells of each statement; leave it out',
  driver: { ours: 'library' },
  client: { ours: 'library' },
  safeintegers: { ours: 'intMode', note: "'bigint' for integers of any size" },
  enableforeignkeyconstraints: 'foreign keys are on, unless pragmas says otherwise; leave it out',
  authtoken: NOT_A_FILE,
  syncurl: NOT_A_FILE,
}
