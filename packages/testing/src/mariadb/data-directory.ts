import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { copyAll, keepTemplate, templatePath } from '../servers/template.js'
import { accountStatements, MARIADB_DATABASE } from './accounts.js'
import type { MariadbBinaries } from './binaries.js'

/**
 * Options that every start on the same files shares. Small files, and nothing waits for the disk: the data need not
 * survive a crash of the machine, but it does survive one of the server.
 */
export const STORAGE_OPTIONS: readonly string[] = [
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

/** Makes the files of servers: system tables, accounts and an empty database, but no history yet. */
export class MariadbTemplate {
  readonly #binaries: MariadbBinaries
  readonly #own: string
  #ready: Promise<string> | undefined

  /** @param directory of a cluster, which keeps a template of its own there if its run keeps none for all */
  constructor(binaries: MariadbBinaries, directory: string) {
    this.#binaries = binaries
    this.#own = path.join(directory, 'template')
  }

  /** Fills `target` with a copy of the files. Two copies differ in nothing until they are started. */
  async copyTo(target: string): Promise<void> {
    this.#ready ??= this.#make()
    const template = await this.#ready
    await rm(target, { recursive: true, force: true })
    await copyAll(template, target)
  }

  async #make(): Promise<string> {
    const shared = templatePath('mariadb')
    if (shared !== undefined && existsSync(shared)) return shared
    await this.#bootstrap()
    if (shared !== undefined) {
      await keepTemplate(shared, (target) => copyAll(this.#own, target))
    }
    return this.#own
  }

  /**
   * Does what `mariadb-install-db` does, which needs a program of another package, and leaves out the help texts and
   * the schema `sys`, which nothing here reads.
   */
  async #bootstrap(): Promise<void> {
    const { mariadbd, systemTables } = this.#binaries
    await mkdir(path.join(this.#own, 'mysql'), { recursive: true })
    const tables = await Promise.all(systemTables.map((file) => readFile(file, 'utf8')))
    const statements = [
      'use mysql;',
      'set @auth_root_socket = null;',
      ...tables,
      ...accountStatements(),
      `create database ${MARIADB_DATABASE};`,
    ]
    const bootstrap = promisify(execFile)(
      mariadbd,
      [
        '--no-defaults',
        '--bootstrap',
        `--datadir=${this.#own}`,
        // A server removes what others have left in the temporary directory, so each has its own.
        `--tmpdir=${this.#own}`,
        '--skip-log-bin',
        '--log-warnings=0',
        ...STORAGE_OPTIONS,
      ],
      { cwd: this.#own, env: { LC_ALL: 'C', PATH: process.env.PATH }, maxBuffer: 2 ** 24 },
    )
    // If it ends before it has read everything, its exit says why.
    bootstrap.child.stdin?.on('error', () => {})
    bootstrap.child.stdin?.end(`${statements.join('\n')}\n`)
    await bootstrap
  }
}
