import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { findSuiteProgram, type SuiteProgram } from '../debian/suite-programs.js'
import { accountStatements } from './accounts.js'
import { findInFolders, isProgram } from './found-programs.js'
import type { MysqlProduct, MysqlPrograms, ServerSettings } from './product.js'
import { MYSQL_REPLICATION } from './replication-words.js'

/** Debian has MySQL in the suite that is being made, and nowhere else. */
export const SUITE_MYSQL: SuiteProgram = {
  suite: 'sid',
  package: 'mysql-server-core',
  file: 'usr/sbin/mysqld',
}

const MESSAGES = ['share/mysql', 'share']
const PLUGINS = ['lib/mysql/plugin', 'lib64/mysql/plugin', 'lib/plugin']
/** Messages that would be in the log of every server of the lab: it lies in a temporary directory, with certificates of its own. */
const EXPECTED_WARNINGS = 'MY-010068,MY-010069,MY-010097,MY-010453,MY-011810,MY-013595'

/**
 * Options that every start on the same files shares. Small files and buffers, and nothing waits for the disk: the data need not
 * survive a crash of the machine, but it does survive one of the server.
 */
const STORAGE_OPTIONS: readonly string[] = [
  // A server asks for it in so many words before it runs as root.
  ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  '--innodb-data-file-path=ibdata1:5M:autoextend',
  '--innodb-autoextend-increment=1',
  '--innodb-redo-log-capacity=8M',
  '--innodb-buffer-pool-size=16M',
  '--innodb-buffer-pool-dump-at-shutdown=0',
  '--innodb-buffer-pool-load-at-startup=0',
  '--innodb-doublewrite=0',
  '--innodb-flush-method=nosync',
  // Threads that spin only cost time where there are fewer processors than servers.
  '--innodb-log-writer-threads=0',
  '--innodb-numa-interleave=0',
  // Containers often forbid it.
  '--innodb-use-native-aio=0',
  '--innodb-read-io-threads=1',
  '--innodb-write-io-threads=1',
  '--innodb-purge-threads=1',
  '--performance-schema=0',
  '--event-scheduler=disabled',
  '--mysqlx=0',
  '--open-files-limit=1024',
  '--table-open-cache=200',
  '--secure-file-priv=',
  `--log-error-suppression-list=${EXPECTED_WARNINGS}`,
]

/**
 * MySQL in the lab: in the directory that `MYSQL_BIN` names, else {@link SUITE_MYSQL} if it was fetched, else where packages put
 * it, else in the `PATH`.
 */
export const MYSQL: MysqlProduct = {
  name: 'MySQL',
  id: 'mysql',
  howToGet: `Have it fetched (npm run labs), or name the directory of mysqld in MYSQL_BIN`,
  find() {
    const fetched = process.env.MYSQL_BIN ? undefined : findSuiteProgram(SUITE_MYSQL)
    if (fetched !== undefined) return inFolder(path.dirname(fetched))
    return findInFolders(
      'MYSQL_BIN',
      `program "mysqld" of MySQL with its messages in ../${MESSAGES.join(', ../')}`,
      inFolder,
    )
  },
  // A suite that is still being made has days on which a package of it cannot be had.
  isRequired: () => process.env.CONNMGR_REQUIRE_MYSQL === '1',
  settings: {
    'gtid-mode': 'on',
    'enforce-gtid-consistency': 'on',
    // A replica notices a primary that is silent.
    'replica-net-timeout': '10',
  },
  synchronousSettings: {
    'plugin-load-add': 'semisync_source.so;semisync_replica.so',
    'rpl-semi-sync-replica-enabled': 'on',
    'rpl-semi-sync-source-wait-point': 'AFTER_SYNC',
    'rpl-semi-sync-source-timeout': '4294967295',
  },
  synchronousVariable: 'rpl_semi_sync_source_enabled',
  executedVariable: '@@global.gtid_executed',
  fewestConnections: 1,
  replication: MYSQL_REPLICATION,
}

function inFolder(folder: string): MysqlPrograms | undefined {
  const server = path.join(folder, 'mysqld')
  // Packages of MariaDB have a link of this name.
  if (!isProgram(server) || /mariadb/.test(path.basename(realpathSync(server)))) return undefined
  const base = path.dirname(folder)
  const messages = MESSAGES.map((each) => path.join(base, each)).find((each) =>
    existsSync(path.join(each, 'english')),
  )
  if (messages === undefined) return undefined
  const plugins = PLUGINS.map((each) => path.join(base, each)).find((each) => existsSync(each))
  const own = [
    '--no-defaults',
    `--basedir=${base}`,
    `--lc-messages-dir=${messages}`,
    `--character-sets-dir=${messages}/charsets`,
    ...(plugins === undefined ? [] : [`--plugin-dir=${plugins}`]),
    ...STORAGE_OPTIONS,
  ]
  return {
    server,
    argv: (settings) => [...own, ...argvOf(settings)],
    makeFiles: (directory) => initialize(server, own, directory),
  }
}

function argvOf(settings: ServerSettings): string[] {
  return [
    `--datadir=${settings.dataDirectory}`,
    `--tmpdir=${settings.dataDirectory}`,
    // Relative to the directory of the data, as the path of a socket must be short.
    '--socket=socket',
    '--pid-file=pid',
    `--bind-address=${settings.host}`,
    `--port=${settings.port}`,
    `--admin-address=${settings.host}`,
    `--admin-port=${settings.adminPort}`,
    '--create-admin-listener-thread',
    `--server-id=${settings.serverId}`,
    `--read-only=${settings.readOnly ? 1 : 0}`,
    '--log-bin=binlog',
    '--relay-log=relay',
  ]
}

async function initialize(
  server: string,
  own: readonly string[],
  directory: string,
): Promise<void> {
  // Initializing takes an empty directory.
  const statements = `${directory}.sql`
  await mkdir(directory, { recursive: true })
  const all = [...accountStatements(), "drop user root@'localhost';"]
  await writeFile(statements, `${all.join('\n')}\n`)
  await promisify(execFile)(
    server,
    [
      ...own,
      '--initialize-insecure',
      `--init-file=${statements}`,
      `--datadir=${directory}`,
      '--skip-log-bin',
      '--caching-sha2-password-digest-rounds=5000',
    ],
    { cwd: directory, env: { LC_ALL: 'C', PATH: process.env.PATH }, maxBuffer: 2 ** 24 },
  )
  await rm(statements)
  // With it, all copies would be one server.
  await rm(path.join(directory, 'auto.cnf'))
}
