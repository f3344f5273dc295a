import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ROOT } from './run.mjs'

/**
 * The databases that snippets of the documents run against, each with a database of its own: PostgreSQL, or what the
 * flags of the fence say (`mariadb`, `sqlite`).
 */
export class DocumentDatabases {
  #testing = createRequire(join(ROOT, 'package.json'))('@connmgr/testing')
  #folder
  #postgres
  #mariadb
  #missing = false

  /** @param {string} folder for the files of SQLite */
  constructor(folder) {
    this.#folder = folder
  }

  /**
   * @param {string} name letters, digits and underscores
   * @param {ReadonlySet<string>} flags
   * @returns {Promise<Record<string, string> | undefined>} the environment of a snippet; undefined if it cannot be run here
   */
  async environmentFor(name, flags) {
    if (flags.has('sqlite')) return { DATABASE_URL: `file:${join(this.#folder, `${name}.db`)}` }
    return flags.has('mariadb') ? this.#onMariadb(name) : this.#onPostgres(name, flags)
  }

  async stop() {
    const clusters = await Promise.allSettled([this.#postgres, this.#mariadb])
    await Promise.all(clusters.map(({ value }) => value?.stop()))
  }

  async #onPostgres(name, flags) {
    this.#postgres ??= this.#testing.startCluster({ standbys: 1 })
    const { primary, standbys } = await this.#postgres
    await primary.query(`create database "${name}"`)
    return {
      DATABASE_URL: primary.url({ database: name }),
      ...(flags.has('standby')
        ? { DATABASE_FAILOVER_URLS: standbys[0].url({ database: name }) }
        : {}),
    }
  }

  async #onMariadb(name) {
    const { MARIADB, startMariadb } = this.#testing
    if (MARIADB.find() === undefined) {
      if (!this.#missing)
        console.warn(`snippets for MariaDB are not run: it is not here. ${MARIADB.howToGet}`)
      this.#missing = true
      return undefined
    }
    this.#mariadb ??= startMariadb()
    const { primary } = await this.#mariadb
    await primary.query(`create database \`${name}\``)
    await primary.query(`grant all on \`${name}\`.* to app`)
    return { DATABASE_URL: primary.url({ database: name }) }
  }
}
