import { accessSync, constants } from 'node:fs'
import path from 'node:path'

/** The program that tests run, with the Debian package that brings it. */
export const CHROMIUM_PROGRAMS: Readonly<Record<string, string>> = { chromium: 'chromium' }

export const CHROMIUM_INSTALL_COMMAND = 'apt-get install -y --no-install-recommends chromium'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/**
 * Finds a Chromium: the program that `CHROMIUM` names, else one in the `PATH`.
 *
 * @returns undefined if there is none
 */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM
  if (named) {
    if (isProgram(named)) return named
    throw new Error(`CHROMIUM=${named}: there is no such program`)
  }
  return ['/usr/bin', ...(process.env.PATH ?? '').split(path.delimiter)]
    .filter(path.isAbsolute)
    .flatMap((folder) => NAMES.map((name) => path.join(folder, name)))
    .find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
