import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'

/** As many symbolic links in a row as Linux follows. */
const MOST_LINKS = 40

/** The one name of a file, whether or not it exists yet: without the symbolic links that lead to it. */
export function realName(file: string): string {
  let name = file
  for (let links = 0; links < MOST_LINKS; links += 1) {
    name = path.join(realDirectory(path.dirname(name)), path.basename(name))
    if (lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return name
    name = path.resolve(path.dirname(name), readlinkSync(name))
  }
  return name
}

/** Tells one file from all others, whatever their names; undefined if there is none. */
export function identityOf(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`
}

/** One that does not exist is for DuckDB to report. */
function realDirectory(directory: string): string {
  return statSync(directory, { throwIfNoEntry: false }) === undefined
    ? directory
    : realpathSync.native(directory)
}
