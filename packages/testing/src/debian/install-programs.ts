import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

/** Where Debian keeps programs. */
const FOLDERS = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']
/** Debian asks this file before it starts a service; 101 forbids it. */
const POLICY = '/usr/sbin/policy-rc.d'

/** Whether this process may install packages of Debian or a descendant of it. */
export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

/**
 * Installs what is needed and not there yet. Debian's own services of these packages are not started.
 *
 * @param programs programs, each with the Debian package that brings it
 * @param show gets a line before something is installed
 * @param folders where programs may be. `@default` where Debian keeps them
 */
export function installPrograms(
  programs: Readonly<Record<string, string>>,
  show: (line: string) => void,
  folders: readonly string[] = FOLDERS,
): void {
  const packages = missingPackages(programs, folders)
  if (packages.length === 0) return
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`
  if (!existsSync('/usr/bin/apt-get')) {
    throw new Error(
      `this takes Debian packages, and there is no apt-get here: run it on Debian 12, in a container for example, with ${packages.join(', ')}`,
    )
  }
  if (!canInstallPackages()) {
    throw new Error(`this takes Debian packages, and only root can install them: ${command}`)
  }
  show(`installing ${packages.join(', ')}`)
  const ownPolicy = !existsSync(POLICY)
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const install = ['install', '-y', '--no-install-recommends', ...packages]
    // A fresh machine has no lists of packages, and an old one has lists that name what is gone.
    if (apt(install).status !== 0) {
      apt(['update'])
      const { status, output } = apt(install)
      if (status !== 0) throw new Error(`${command} failed\n${output}`)
    }
  } finally {
    if (ownPolicy) rmSync(POLICY)
  }
  const rest = missingPackages(programs, folders)
  if (rest.length > 0) throw new Error(`after ${command}, ${rest.join(', ')} is still missing`)
}

function missingPackages(
  programs: Readonly<Record<string, string>>,
  folders: readonly string[],
): string[] {
  return Object.entries(programs)
    .filter(([program]) => !folders.some((folder) => existsSync(`${folder}/${program}`)))
    .map(([, name]) => name)
}

function apt(argv: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('apt-get', ['-q', ...argv], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { status, output: `${stdout}${stderr}`.trim() }
}
