import { execFile } from 'node:child_process'
import { constants, existsSync } from 'node:fs'
import { appendFile, chmod, chown, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Client } from 'pg'
import { removeSharedMemory } from '../../bin/server-processes.cjs'
import { copyAll, keepTemplate, templatePath } from '../servers/template.js'
import type { Binaries } from './binaries.js'
import type { ServerUser } from './server-user.js'

/** How clients prove who they are. */
export type HbaMethod = 'trust' | 'scram-sha-256'

/** Password of the role `postgres` where one is asked for. */
export const SUPERUSER_PASSWORD = 'postgres-secret'

/** Files of a running server that a copy must not have. */
const NOT_COPIED = new Set(['postmaster.pid', 'postmaster.opts', 'standby.signal', 'backup_label'])
/** Directories whose contents belong to the running server alone. */
const EMPTIED = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])
/** Who is let in, but for how they prove who they are. */
const HBA = ['all', 'replication'].flatMap((database) => [
  `local ${database} all`,
  `host ${database} all 127.0.0.1/32`,
  `host ${database} all ::1/128`,
])
/** Settings of one node, apart from those that all nodes of a cluster share. */
const NODE_FILE = 'node.conf'

/** Of so many clusters of a file of tests templates are kept; those few files that make more run initdb for the rest. */
const MOST_TEMPLATES = 12

let clustersMade = 0

/** The files of one server. */
export class DataDirectory {
  readonly path: string
  readonly #user: ServerUser | undefined

  constructor(directory: string, user: ServerUser | undefined) {
    this.path = directory
    this.#user = user
  }

  /** Makes an empty database cluster here, as a copy of an earlier one if there is a template. */
  async initialize(
    binaries: Binaries,
    method: HbaMethod,
    settings: Readonly<Record<string, string>>,
  ): Promise<void> {
    const template = ownTemplatePath()
    if (template !== undefined && existsSync(template)) {
      await copyAll(template, this.path)
    } else {
      await this.#runInitdb(binaries)
      if (template !== undefined) {
        await keepTemplate(template, (target) => copyAll(this.path, target))
      }
    }
    await this.#write('pg_hba.conf', HBA.map((line) => `${line} ${method}\n`).join(''))
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quote(value)}`)
    await appendFile(
      path.join(this.path, 'postgresql.conf'),
      `\n${lines.join('\n')}\ninclude_if_exists '${NODE_FILE}'\n`,
    )
  }

  /** Replaces the settings that this node alone has. */
  async configureNode(settings: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quote(value)}\n`)
    await this.#write(NODE_FILE, lines.join(''))
  }

  /**
   * Fills this directory with an online copy of a running primary, as a standby that streams from it.
   *
   * @param client a session of the primary, which has to stay the same from the beginning to the end
   */
  async cloneFrom(
    source: DataDirectory,
    client: Client,
    nodeSettings: Readonly<Record<string, string>>,
  ): Promise<void> {
    await this.remove()
    await client.query(`select pg_backup_start('clone', true)`)
    await this.#copyTree(source.path, this.path)
    const stopped = await client.query<{ labelfile: string; spcmapfile: string }>(
      'select labelfile, spcmapfile from pg_backup_stop(false)',
    )
    const backup = stopped.rows[0]
    if (backup === undefined) throw new Error('pg_backup_stop returned nothing')
    await this.#write('backup_label', backup.labelfile)
    if (backup.spcmapfile !== '') await this.#write('tablespace_map', backup.spcmapfile)
    await this.#makeDirectory(path.join(this.path, 'pg_wal', 'archive_status'))
    await this.#write('standby.signal', '')
    await this.configureNode(nodeSettings)
  }

  async remove(): Promise<void> {
    removeSharedMemory(this.path)
    await rm(this.path, { recursive: true, force: true })
  }

  async #runInitdb({ initdb }: Binaries): Promise<void> {
    const passwordFile = `${this.path}.password`
    await writeFile(passwordFile, SUPERUSER_PASSWORD, { mode: 0o600 })
    await this.#own(passwordFile)
    const options = ['-D', this.path, '-U', 'postgres', '-A', 'trust', `--pwfile=${passwordFile}`]
    await promisify(execFile)(
      initdb,
      [...options, '--no-sync', '--no-instructions', '--no-locale', '-E', 'UTF8'],
      {
        cwd: path.dirname(this.path),
        env: { LC_ALL: 'C', PATH: process.env.PATH },
        ...(this.#user && { uid: this.#user.uid, gid: this.#user.gid }),
      },
    )
    await rm(passwordFile)
  }

  async #copyTree(from: string, to: string, top = true): Promise<void> {
    await this.#makeDirectory(to)
    const entries = await readdir(from, { withFileTypes: true })
    await Promise.all(
      entries.map(async (entry) => {
        if (top && NOT_COPIED.has(entry.name)) return
        const source = path.join(from, entry.name)
        const target = path.join(to, entry.name)
        if (!entry.isDirectory()) await this.#copyFile(source, target)
        else if (top && EMPTIED.has(entry.name)) await this.#makeDirectory(target)
        else await this.#copyTree(source, target, false)
      }),
    )
  }

  async #copyFile(source: string, target: string): Promise<void> {
    try {
      await copyFile(source, target, constants.COPYFILE_FICLONE)
      await this.#own(target)
    } catch (error) {
      // dropped by the running server meanwhile; replaying the log does the same here
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  async #makeDirectory(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await chmod(directory, 0o700)
    await this.#own(directory)
  }

  async #write(name: string, text: string): Promise<void> {
    const file = path.join(this.path, name)
    await writeFile(file, text, { mode: 0o600 })
    await this.#own(file)
  }

  async #own(file: string): Promise<void> {
    if (this.#user) await chown(file, this.#user.uid, this.#user.gid)
  }
}

/**
 * The first cluster of a process, and of a file of tests, is a copy of the first template, the second one of the second:
 * clusters that tests compare with each other keep identifiers of their own.
 */
function ownTemplatePath(): string | undefined {
  clustersMade += 1
  return clustersMade > MOST_TEMPLATES ? undefined : templatePath(`postgres-${clustersMade}`)
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
