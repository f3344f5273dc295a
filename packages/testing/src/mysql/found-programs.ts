import { accessSync, constants } from 'node:fs'
import path from 'node:path'

const USUAL_FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']

/**
 * Looks for a program in the directory that a variable names and nowhere else, or where packages put it and in the `PATH`.
 *
 * @param look what a folder has; undefined if it has not all that is needed
 * @param needs what that is, for the error
 * @throws if the variable names a directory that has it not
 */
export function findInFolders<T>(
  variable: string,
  needs: string,
  look: (folder: string) => T | undefined,
): T | undefined {
  const named = process.env[variable]
  if (named) {
    const found = look(named)
    if (found === undefined) throw new Error(`${variable}=${named}: there is no ${needs}`)
    return found
  }
  const folders = [...USUAL_FOLDERS, ...(process.env.PATH ?? '').split(path.delimiter)]
  for (const folder of folders.filter(path.isAbsolute)) {
    const found = look(folder)
    if (found !== undefined) return found
  }
  return undefined
}

export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
