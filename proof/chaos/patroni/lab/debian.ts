import { installPrograms as install } from '@connmgr/testing'
import { PROGRAM_PATH } from './daemon.js'

/** A program that the lab runs, and the Debian package that brings it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  postgres: 'postgresql-15',
  patroni: 'patroni',
  etcd: 'etcd-server',
  haproxy: 'haproxy',
  pgbouncer: 'pgbouncer',
}

/**
 * Installs what is needed and not there yet. Debian's own services of these packages are not started.
 *
 * @param programs `@default` all that the lab runs
 */
export function installPrograms(
  show: (line: string) => void,
  programs: readonly string[] = Object.keys(PROGRAMS),
): void {
  const wanted = Object.fromEntries(programs.map((each) => [each, PROGRAMS[each] ?? each]))
  install(wanted, show, PROGRAM_PATH.split(':'))
}
