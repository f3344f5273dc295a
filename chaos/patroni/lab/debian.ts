import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { PROGRAM_PATH } from './daemon.js'

/** A program that the lab runs, and the Debian package that brings it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  postgres: 'postgresql-15',
  patroni: 'patroni',
  etcd: 'etcd-server',
  haproxy: 'haproxy',
  pgbouncer: 'pgbouncer',
}

/** Debian asks this file before it starts a service; 101 forbids it. */
const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Installs what is needed and not there yet. Debian's own services of these packages are not started.
 *
 * @param programs `@default` all that the lab runs
 */
export function installPrograms(
  show: (line: string) => void,
  programs: readonly string[] = Object.keys(PROGRAMS),
): void {
  const packages = missingPackages(programs)
  if (packages.length === 0) return
  const command = `apt-get install ${packages.join(' ')}`
  if (!existsSync('/usr/bin/apt-get')) {
    throw new Error(
      `the lab is made of Debian packages, and there is no apt-get here: run it on Debian 12, in a container for example, with ${packages.join(', ')}`,
    )
  }
  if (process.getuid?.() !== 0) {
    throw new Error(`the lab needs Debian packages, and only root can install them: ${command}`)
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
  const rest = missingPackages(programs)
  if (rest.length > 0) throw new Error(`after ${command}, ${rest.join(', ')} is still missing`)
}

function missingPackages(programs: readonly string[]): string[] {
  const folders = PROGRAM_PATH.split(':')
  return programs
    .filter((program) => !folders.some((folder) => existsSync(`${folder}/${program}`)))
    .map((program) => PROGRAMS[program] ?? program)
}

function apt(argv: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('apt-get', ['-q', ...argv], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { status, output: `${stdout}${stderr}`.trim() }
}
