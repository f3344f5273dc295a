import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { canInstallPackages } from '../debian/install-programs.js'
import { accountStatements } from './accounts.js'
import { findInFolders, isProgram } from './found-programs.js'
import type { MysqlProduct, MysqlPrograms, ServerSettings } from './product.js'
import { MARIADB_REPLICATION } from './replication-words.js'

/** The programs that the lab runs, each with the Debian package that brings it. */
export const MARIADB_PROGRAMS: Readonly<Record<string, string>> = {
  mariadbd: 'mariadb-server-core',
}

/** Installs what the lab needs on Debian and Ubuntu, without services, clients or configuration. */
export const MARIADB_INSTALL_COMMAND = `apt-get install -y --no-install-recommends ${Object.values(MARIADB_PROGRAMS).join(' ')}`

/** What MariaDB's own installer makes the system tables with, in the order in which they are run. */
const SYSTEM_TABLES = ['system_tables.sql', 'performance_tables.sql', 'system_tables_data.sql']
/** Before these names: the first from MariaDB 11 on. */
const SCRIPT_PREFIXES = ['mariadb_', 'mysql_']
/** Relative to the folder of the program. */
const SHARED_FOLDERS = ['../share/mysql', '../share/mariadb', '../share']

/**
 * Options that every start on the same files shares. Small files, and nothing waits for the disk: the data need not
 * survive a crash of the machine, but it does survive one of the server.
 */
const STORAGE_OPTIONS: readonly string[] = [
  // A server asks for it in so many words before it runs as root.
  ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  '--innodb-data-file-path=ibdata1:3M:autoextend',
  '--innodb-autoextend-increment=1',
  '--innodb-log-file-size=4M',
  '--innodb-undo-tablespaces=0',
  '--innodb-temp-data-file-path=ibtmp1:1M:autoextend',
  '--innodb-buffer-pool-size=16M',
  '--innodb-doublewrite=0',
  '--innodb-flush-method=nosync',
  '--debug-no-sync',
  // Containers often forbid io_uring.
  '--innodb-use-native-aio=0',
  // Fewer than what a machine allows, so that the server does not complain about its limit.
  '--open-files-limit=1024',
  '--table-open-cache=200',
]

/** MariaDB in the lab: in the directory that `MARIADB_BIN` names, else where packages put it, else in the `PATH`. */
export const MARIADB: MysqlProduct = {
  name: 'MariaDB',
  id: 'mariadb',
  howToGet: `Install it with: ${MARIADB_INSTALL_COMMAND}`,
  find: () =>
    findInFolders(
      'MARIADB_BIN',
      `program "mariadbd" with its mysql_${SYSTEM_TABLES[0]} in ${SHARED_FOLDERS.join(', ')}`,
      inFolder,
    ),
  isRequired() {
    const required = process.env.CONNMGR_REQUIRE_MARIADB
    if (required === '1') return true
    return process.env.CI === 'true' && canInstallPackages() && required !== '0'
  },
  settings: {
    'log-slave-updates': 'on',
    'gtid-strict-mode': 'on',
    // A replica notices a primary that is silent.
    'slave-net-timeout': '10',
  },
  synchronousSettings: {
    'rpl-semi-sync-slave-enabled': 'on',
    'rpl-semi-sync-master-wait-point': 'AFTER_SYNC',
    'rpl-semi-sync-master-timeout': '2147483647',
  },
  synchronousVariable: 'rpl_semi_sync_master_enabled',
  executedVariable: '@@gtid_binlog_pos',
  fewestConnections: 10,
  replication: MARIADB_REPLICATION,
}

function inFolder(folder: string): MysqlPrograms | undefined {
  const server = path.join(folder, 'mariadbd')
  if (!isProgram(server)) return undefined
  for (const shared of SHARED_FOLDERS.map((each) => path.join(folder, each)))
    for (const prefix of SCRIPT_PREFIXES) {
      const scripts = SYSTEM_TABLES.map((name) => path.join(shared, `${prefix}${name}`))
      if (!scripts.every((file) => existsSync(file))) continue
      // It may have been unpacked elsewhere than where it was built for.
      const own = [
        '--no-defaults',
        `--lc-messages-dir=${shared}`,
        `--character-sets-dir=${path.join(shared, 'charsets')}`,
        ...STORAGE_OPTIONS,
      ]
      return {
        server,
        argv: (settings) => [...own, ...argvOf(settings)],
        makeFiles: (directory) => bootstrap(server, own, scripts, directory),
      }
    }
  return undefined
}

function argvOf(settings: ServerSettings): string[] {
  return [
    `--datadir=${settings.dataDirectory}`,
    `--tmpdir=${settings.dataDirectory}`,
    '--socket=',
    `--bind-address=${settings.host}`,
    `--port=${settings.port}`,
    `--extra-port=${settings.adminPort}`,
    '--extra-max-connections=50',
    `--server-id=${settings.serverId}`,
    `--read-only=${settings.readOnly ? 1 : 0}`,
    '--log-bin=binlog',
    '--relay-log=relay',
  ]
}

/**
 * Does what `mariadb-install-db` does, which needs a program of another package, and leaves out the help texts and
 * the schema `sys`, which nothing here reads.
 */
async function bootstrap(
  server: string,
  own: readonly string[],
  scripts: readonly string[],
  directory: string,
): Promise<void> {
  await mkdir(path.join(directory, 'mysql'), { recursive: true })
  const tables = await Promise.all(scripts.map((file) => readFile(file, 'utf8')))
  const statements = [
    'use mysql;',
    'set @auth_root_socket = null;',
    ...tables,
    'delete from mysql.global_priv;',
    'delete from mysql.proxies_priv;',
    'flush privileges;',
    ...accountStatements(),
  ]
  const running = promisify(execFile)(
    server,
    [
      ...own,
      '--bootstrap',
      `--datadir=${directory}`,
      // A server removes what others have left in the temporary directory, so each has its own.
      `--tmpdir=${directory}`,
      '--skip-log-bin',
      '--log-warnings=0',
    ],
    { cwd: directory, env: { LC_ALL: 'C', PATH: process.env.PATH }, maxBuffer: 2 ** 24 },
  )
  // If it ends before it has read everything, its exit says why.
  running.child.stdin?.on('error', () => {})
  running.child.stdin?.end(`${statements.join('\n')}\n`)
  await running
}
