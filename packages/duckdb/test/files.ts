import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** Directories for the databases of a test file, removed with all that is in them by `remove`. */
export class Files {
  readonly #directories: string[] = []

  /** The path of a database that does not exist yet, in a directory of its own. */
  path(name = 'app.duckdb'): string {
    const directory = mkdtempSync(path.join(tmpdir(), 'connmgr-duckdb-'))
    this.#directories.push(directory)
    return path.join(directory, name)
  }

  remove(): void {
    for (const each of this.#directories.splice(0)) rmSync(each, { recursive: true, force: true })
  }
}
