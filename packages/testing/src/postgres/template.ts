import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import path from 'node:path'

/** Names a directory that lasts as long as a run of tests, and that only its processes use. */
const VARIABLE = 'CONNMGR_TEST_TEMPLATES'

let taken = false

/**
 * Returns where an empty database cluster is kept that servers may start from instead of running initdb, which takes
 * most of the time of a start; undefined if this one must run initdb.
 *
 * Only the first cluster of a process, and of a file of tests, is a copy: those that tests compare with each other keep
 * identifiers of their own.
 */
export function templatePath(): string | undefined {
  const directory = process.env[VARIABLE]
  if (directory === undefined || taken) return undefined
  taken = true
  return path.join(directory, 'data')
}

/** Keeps what `copy` makes, unless another process was quicker. */
export async function keepTemplate(
  template: string,
  copy: (target: string) => Promise<void>,
): Promise<void> {
  if (existsSync(template)) return
  const own = `${template}-${process.pid}`
  await copy(own)
  try {
    await rename(own, template)
  } catch (error) {
    if (!existsSync(template)) throw error
    await rm(own, { recursive: true })
  }
}
