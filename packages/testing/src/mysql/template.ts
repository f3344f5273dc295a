import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { copyAll, keepTemplate, templatePath } from '../servers/template.js'
import type { MysqlPrograms } from './product.js'

/** The files that servers start from: system tables, accounts and an empty database, but no history yet. */
export class MysqlTemplate {
  readonly #name: string
  readonly #programs: Pick<MysqlPrograms, 'makeFiles'>
  readonly #own: string
  #ready: Promise<string> | undefined

  /**
   * @param name of the product
   * @param directory of a cluster, which keeps a template of its own there if its run keeps none for all
   */
  constructor(name: string, programs: Pick<MysqlPrograms, 'makeFiles'>, directory: string) {
    this.#name = name
    this.#programs = programs
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
    const shared = templatePath(this.#name)
    if (shared !== undefined && existsSync(shared)) return shared
    await this.#programs.makeFiles(this.#own)
    if (shared !== undefined) {
      await keepTemplate(shared, (target) => copyAll(this.#own, target))
    }
    return this.#own
  }
}
