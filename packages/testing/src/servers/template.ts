import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

/** Names a directory that lasts as long as a run of tests, and that only its processes use. */
const VARIABLE = 'CONNMGR_TEST_TEMPLATES'

/**
 * Returns where the empty data directory of that name is kept for servers to start from a copy of it, which takes much
 * less than to make one; undefined if this is no run that has a place for it.
 */
export function templatePath(name: string): string | undefined {
  const directory = process.env[VARIABLE]
  return directory ? path.join(directory, name) : undefined
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

/** Copies a directory with owners and modes; Node is four times slower with a thousand small files. */
export async function copyAll(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to])
}
