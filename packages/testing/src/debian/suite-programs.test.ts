import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { canFetchSuitePrograms, fetchSuiteProgram, findSuiteProgram } from './suite-programs.js'

const WANTED = { suite: 'next', package: 'speaker', file: 'usr/bin/speak' }
const before = { PATH: process.env.PATH, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }
let directory: string

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "suite's programs-"))
  process.env.XDG_CACHE_HOME = path.join(directory, 'cache')
})
afterEach(() => {
  process.env.PATH = before.PATH
  if (before.XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME
  else process.env.XDG_CACHE_HOME = before.XDG_CACHE_HOME
  rmSync(directory, { recursive: true, force: true })
})

const onDebian = canFetchSuitePrograms() ? describe : describe.skip

onDebian('a program of another suite', () => {
  test('runs from a folder of its own with the libraries of its suite', () => {
    aptThat(`cp "${packageOfEcho()}" "$archives/"`)
    expect(findSuiteProgram(WANTED)).toBeUndefined()
    const shown: string[] = []
    const program = fetchSuiteProgram(WANTED, (line) => shown.push(line))
    expect(shown).toEqual(['fetching speaker of Debian next'])
    expect(findSuiteProgram(WANTED)).toBe(program)
    expect(execFileSync(program, ["it's", 'two words'], { encoding: 'utf8' })).toBe(
      "it's two words\n",
    )
    // Fetched once: there is no apt any more.
    process.env.PATH = ''
    expect(fetchSuiteProgram(WANTED, (line) => shown.push(line))).toBe(program)
    expect(shown).toHaveLength(1)
  })

  test('that cannot be had leaves nothing behind, and the error has the words of apt', () => {
    aptThat('echo "E: Unable to locate package speaker" >&2; exit 100')
    expect(() => fetchSuiteProgram(WANTED, () => {})).toThrow(
      'apt-get failed: E: Unable to locate package speaker',
    )
    expect(findSuiteProgram(WANTED)).toBeUndefined()
    expect(readdirSync(path.join(directory, 'cache', 'connmgr-labs', 'next'))).toEqual([])
  })
})

/** Puts an apt-get first in the PATH that knows a mirror, and on `install` does this in the shell. */
function aptThat(does: string): void {
  const bin = path.join(directory, 'bin')
  mkdirSync(bin)
  writeFileSync(
    path.join(bin, 'apt-get'),
    `#!/bin/sh
for option; do case $option in Dir::Cache::archives=*) archives=\${option#*=};; esac; done
case " $* " in
*indextargets*) echo http://mirror.invalid/debian/;;
*" install "*) ${does};;
esac
`,
    { mode: 0o755 },
  )
  process.env.PATH = `${bin}:${before.PATH}`
}

/** A package with this machine's echo as `speak`, its loader and its libc. */
function packageOfEcho(): string {
  const tree = path.join(directory, 'tree')
  const listed = execFileSync('ldd', ['/bin/echo'], { encoding: 'utf8' })
  const files = [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, file]) => String(file))
  const loader = files.find((file) => file.includes('/ld-linux-'))
  const libraries = path.join(tree, 'usr/lib', `${process.arch}-linux-gnu`)
  for (const folder of [libraries, path.join(tree, 'usr/bin'), path.join(tree, 'DEBIAN')])
    mkdirSync(folder, { recursive: true })
  expect(loader).toBeDefined()
  for (const file of files) copyFileSync(file, path.join(libraries, path.basename(file)))
  copyFileSync('/bin/echo', path.join(tree, WANTED.file))
  chmodSync(path.join(tree, 'DEBIAN'), 0o755)
  writeFileSync(
    path.join(tree, 'DEBIAN', 'control'),
    'Package: speaker\nVersion: 1\nArchitecture: all\nMaintainer: Nemo <nemo@example.invalid>\nDescription: speaks\n',
  )
  const file = path.join(directory, 'speaker.deb')
  execFileSync('dpkg-deb', ['--build', tree, file], { stdio: 'ignore' })
  return file
}
