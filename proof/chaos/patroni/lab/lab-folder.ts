import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** Whom the lab's programs run as; nothing if that is ourselves. */
interface Owner {
  readonly uid?: number
  readonly gid?: number
}

/**
 * The directory of one lab. It goes when the lab is closed or our process ends, however it ends, and every process that
 * was started in it goes with it.
 */
export class LabFolder {
  readonly path: string
  readonly owner: Owner
  readonly #guardian: ChildProcess

  constructor() {
    this.owner = findOwner()
    this.path = mkdtempSync(path.join(tmpdir(), 'connmgr-patroni-'))
    this.#own(this.path)
    this.#guardian = spawn(process.execPath, [path.join(__dirname, 'guardian.cjs'), this.path], {
      detached: true,
      cwd: '/',
      env: { PATH: process.env.PATH },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#guardian.unref()
    ;(this.#guardian.stdin as Socket).unref()
  }

  /** The name of the cluster, which every one of its processes shows. */
  get name(): string {
    return path.basename(this.path)
  }

  directory(name: string): string {
    const made = path.join(this.path, name)
    mkdirSync(made, { recursive: true, mode: 0o700 })
    this.#own(made)
    return made
  }

  file(name: string, content: string): string {
    const written = path.join(this.path, name)
    writeFileSync(written, content)
    this.#own(written)
    return written
  }

  /** Kills what runs in it and removes it. */
  async close(): Promise<void> {
    if (this.#guardian.exitCode !== null) return
    const exited = once(this.#guardian, 'exit')
    this.#guardian.ref()
    this.#guardian.stdin?.end()
    await exited
  }

  #own(file: string): void {
    const { uid, gid } = this.owner
    if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid)
  }
}

/** PostgreSQL refuses to run as root; Debian's packages bring a user for it. */
function findOwner(): Owner {
  if (process.getuid?.() !== 0) return {}
  const user = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'postgres')
  if (user === undefined) throw new Error('there is no user "postgres" to run the servers as')
  return { uid: Number(user[2]), gid: Number(user[3]) }
}
