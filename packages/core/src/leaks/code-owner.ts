import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BundleParts } from './bundle-parts.js'

/** This package's own code, in its folder beside those of the other packages. */
const OWN = /^(.*[\\/])core[\\/](?:src[\\/]leaks|dist)(?:[\\/]|$)/
/** A program may have a folder of the same name; it has no such file in it. */
const PROOF = 'core/src/leaks/code-owner.ts'

/** The bundle that this runs in, if it tells where it has its modules from. */
let bundle: { readonly file: string; readonly parts: BundleParts } | undefined

/** Files of libraries that lie among those of a program, such as a runtime that a generator has copied there. */
const libraryFiles = new Set<string>()

/** Files, as they run, of which sources are on this machine. */
const withSources = new Set<string>()

/** Whether a source is on this machine, by its path. */
const there = new Map<string, boolean>()
const MOST_KNOWN = 10_000

/**
 * Directory of the packages of connmgr, which lie beside one another also where they are not in `node_modules`: in this
 * repository, and where a package manager links them. Undefined in a bundle of a program, as long as it is not known from
 * where this package has come into it.
 */
let ownPackages = typeof __dirname === 'string' ? packagesAround(__dirname) : undefined

export function isInFile(file: string | null | undefined): boolean {
  return file !== null && file !== undefined && !file.startsWith('node:')
}

/** ES modules are named by URLs. */
export function pathOf(file: string): string {
  if (!file.startsWith('file://')) return file
  try {
    return fileURLToPath(file)
  } catch {
    // Of another machine, or of another system.
    return file.slice('file://'.length)
  }
}

export function isPackage(file: string): boolean {
  return (
    /[\\/]node_modules[\\/]/.test(file) || (libraryFiles.size > 0 && libraryFiles.has(pathOf(file)))
  )
}

/** Has a file be a library's from now on. */
export function addLibraryFile(file: string): void {
  libraryFiles.add(pathOf(file))
}

function packagesAround(place: string): string | undefined {
  // That is enough to know it by.
  if (isPackage(`${place}/`)) return undefined
  const found = OWN.exec(place)?.[1]
  return found !== undefined && existsSync(found + PROOF) ? found : undefined
}

/** Whether it is code of connmgr, and neither a test of it nor a suite that tests share, which use it as programs do. */
function isOwn(file: string): boolean {
  if (ownPackages === undefined || !file.startsWith(ownPackages)) return false
  const rest = file.slice(ownPackages.length)
  return (
    /^(?!testing[\\/]src[\\/]conformance)[a-z-]+[\\/](?:src|dist)[\\/]/.test(rest) &&
    !/\.test\.[cm]?[jt]s$/.test(rest)
  )
}

/** A place as it runs, and the file of the source that a source map has named for it; the same if none has. */
export interface PlacedCode {
  readonly file: string
  readonly line: number
  readonly source: string
}

/**
 * Notes where code of this package stands: in a bundle of a program, that says how to tell the code of the program from that
 * of others.
 */
export function noteOwnPlace({ file, line, source }: PlacedCode): void {
  if (ownPackages !== undefined || isPackage(source)) return
  ownPackages = source === file ? packagesAround(source) : OWN.exec(source)?.[1]
  if (source !== file || ownPackages !== undefined) return
  const parts = BundleParts.of(file)
  if (parts === undefined) return
  bundle = { file, parts }
  ownPackages = OWN.exec(parts.at(line) ?? '')?.[1]
}

/** Notes whether the sources of a file are on this machine. */
export function noteSource({ file, source }: PlacedCode): void {
  if (source !== file && !withSources.has(file) && isThere(source) && !isPackage(source))
    withSources.add(file)
}

/** Whether a place is in code that is neither a package's nor connmgr's. */
export function isUsersCode({ file, line, source }: PlacedCode): boolean {
  if (isPackage(source) || isOwn(source)) return false
  // Bundlers compose the source maps of packages, some of which name sources that were never published, at paths that look
  // like the program's. Its own sources are all here, or none is.
  if (source !== file) return !withSources.has(file) || isThere(source)
  const module = bundle?.file === file ? bundle.parts.at(line) : undefined
  return module === undefined || !(isPackage(`/${module}`) || isOwn(module))
}

function isThere(source: string): boolean {
  let known = there.get(source)
  if (known === undefined) {
    known = existsSync(source)
    if (there.size >= MOST_KNOWN) there.clear()
    there.set(source, known)
  }
  return known
}
