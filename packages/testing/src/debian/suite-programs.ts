import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

/** A program of another suite of Debian than this machine's, such as a server that its own suite has not, or only older. */
export interface SuiteProgram {
  readonly suite: string
  /** The package that brings it. */
  readonly package: string
  /** Relative to the root of the file system. */
  readonly file: string
}

const TOOLS = ['/usr/bin/apt-get', '/usr/bin/dpkg-deb']
/** Older than this suite's keys are those that it was signed with, so that apt takes both. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Whether programs of other suites can be fetched here: with the tools and keys of Debian, by any user. */
export function canFetchSuitePrograms(): boolean {
  return [...TOOLS, KEYRING].every((file) => existsSync(file)) && archive() !== undefined
}

/**
 * Finds a program that {@link fetchSuiteProgram} has fetched.
 *
 * @returns undefined if it has not
 */
export function findSuiteProgram(wanted: SuiteProgram): string | undefined {
  const program = path.join(rootOf(wanted), wanted.file)
  try {
    accessSync(program, constants.X_OK)
    return program
  } catch {
    return undefined
  }
}

/**
 * Fetches a program with everything that it needs, libc included, and unpacks it into a folder of its own in the user's
 * cache (`XDG_CACHE_HOME`). Nothing is installed: the program runs from there with the libraries of its suite, and no script of a package is run.
 *
 * @param show gets a line before the download
 * @returns where the program is; what came before it stays as it was
 * @throws with the words of apt if it cannot be had
 */
export function fetchSuiteProgram(wanted: SuiteProgram, show: (line: string) => void): string {
  const found = findSuiteProgram(wanted)
  if (found !== undefined) return found
  show(`fetching ${wanted.package} of Debian ${wanted.suite}`)
  const root = rootOf(wanted)
  mkdirSync(path.dirname(root), { recursive: true })
  const fresh = mkdtempSync(`${root}-`)
  try {
    for (const file of download(wanted, path.join(fresh, '.apt')))
      run('dpkg-deb', ['-x', file, fresh])
    rmSync(path.join(fresh, '.apt'), { recursive: true })
    launchWithOwnLibraries(fresh, root, wanted.file)
    chmodSync(fresh, 0o755)
    rmSync(root, { recursive: true, force: true })
    renameSync(fresh, root)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return path.join(root, wanted.file)
}

function rootOf({ suite, package: name }: SuiteProgram): string {
  return path.join(cacheFolder(), 'connmgr-labs', suite, name)
}

/** What root starts may run as another user, who sees nothing in the home of root. */
function cacheFolder(): string {
  if (process.env.XDG_CACHE_HOME) return process.env.XDG_CACHE_HOME
  return process.getuid?.() === 0 ? '/var/cache' : path.join(homedir(), '.cache')
}

/** Has apt work out and verify the packages, on lists and a state of its own that know of nothing installed. */
function download({ suite, package: name }: SuiteProgram, state: string): string[] {
  const uri = archive()
  if (uri === undefined) throw new Error('the sources of apt name no archive of Debian')
  const archives = path.join(state, 'archives')
  mkdirSync(path.join(archives, 'partial'), { recursive: true })
  mkdirSync(path.join(state, 'lists', 'partial'), { recursive: true })
  writeFileSync(path.join(state, 'status'), '')
  writeFileSync(path.join(state, 'sources'), `deb [signed-by=${KEYRING}] ${uri} ${suite} main\n`)
  const settings = {
    'Dir::State': state,
    'Dir::State::status': path.join(state, 'status'),
    'Dir::Cache': state,
    'Dir::Cache::archives': archives,
    'Dir::Etc::sourcelist': path.join(state, 'sources'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Acquire::Languages': 'none',
    'APT::Install-Recommends': 'false',
    // Its own user could not write into a folder of ours.
    'APT::Sandbox::User': 'root',
    'Debug::NoLocking': 'true',
  }
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  run('apt-get', ['-q', ...options, 'update'])
  run('apt-get', ['-q', ...options, 'install', '-y', '--download-only', name])
  return readdirSync(archives)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => path.join(archives, file))
}

/**
 * Puts a script in the program's place that starts it with the loader and the libraries of its suite: those of this machine may
 * be too old for it.
 */
function launchWithOwnLibraries(fresh: string, root: string, file: string): void {
  const libraries = readdirSync(path.join(fresh, 'usr/lib')).filter((name) =>
    /-linux-gnu/.test(name),
  )
  const loader = libraries
    .flatMap((folder) =>
      readdirSync(path.join(fresh, 'usr/lib', folder)).map((name) =>
        path.join('usr/lib', folder, name),
      ),
    )
    .find((name) => /\/ld-linux-[^/]+\.so\.\d+$/.test(name))
  if (loader === undefined) throw new Error(`there is no loader of libraries beside ${file}`)
  const real = `${file}.real`
  renameSync(path.join(fresh, file), path.join(fresh, real))
  const quoted = (name: string): string => `'${path.join(root, name).replaceAll("'", `'\\''`)}'`
  writeFileSync(
    path.join(fresh, file),
    `#!/bin/sh\nexec ${quoted(loader)} --library-path ${quoted(path.dirname(loader))} --argv0 ${quoted(file)} ${quoted(real)} "$@"\n`,
    { mode: 0o755 },
  )
}

/** The archive of Debian that this machine's own packages come from, a mirror for example. */
function archive(): string | undefined {
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], {
    encoding: 'utf8',
  })
  return stdout?.split('\n').find((uri) => /\/debian\/?$/.test(uri))
}

function run(program: string, argv: readonly string[]): void {
  const { error, status, stdout, stderr } = spawnSync(program, argv, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 26,
  })
  if (status === 0) return
  throw new Error(`${program} failed: ${error?.message ?? `${stderr || stdout}`.trim()}`)
}
