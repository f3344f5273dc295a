import { AssertionError } from 'node:assert'
import { findSourceMap } from 'node:module'
import { isNativeError } from 'node:util/types'
import {
  isInFile,
  isPackage,
  isUsersCode,
  noteOwnPlace,
  noteSource,
  type PlacedCode,
  pathOf,
} from './code-owner.js'

/** A place in a program, as in `function (file:line:column)`. */
export interface CallSite {
  readonly functionName: string
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Where a frame stands in the source that a person wrote, and as it runs. */
interface Place {
  readonly site: CallSite
  readonly code: PlacedCode
}

/** The frames of a stack, innermost first. */
export interface Frames {
  readonly sites: readonly CallSite[]
  /** Whether all are the user's own. Otherwise none is: they are those of packages. */
  readonly areUsers: boolean
}

const FRAME = /^at (?:async )?(?:new )?(?:(.+?) (?:\[as .+?\] )?\()?(.+?):(\d+):(\d+)\)?$/
export const ANONYMOUS = '<anonymous>'

/** `Error` of the realm of Node's own modules: a test runner that runs code in another has its formatter of stacks here. */
const OuterError = Object.getPrototypeOf(AssertionError) as ErrorConstructor

/** Places in code, by `file:line:column` as it runs: finding one in a source map takes far longer. */
const located = new Map<string, CallSite>()
const MOST_LOCATED = 10_000

type Format = NonNullable<typeof Error.prepareStackTrace>

/** Takes one line of a stack apart, as Node prints it or as `checkedOutBy` has it; undefined if it names no place. */
export function parseFrame(text: string | undefined): CallSite | undefined {
  const line = text?.trim() ?? ''
  const match = FRAME.exec(line.startsWith('at ') ? line : `at ${line}`)
  if (match === null) return undefined
  const [, functionName = ANONYMOUS, file = '', row, column] = match
  return { functionName, file: pathOf(file), line: Number(row), column: Number(column) }
}

/**
 * The frames of the user's own code, without those of Node and of packages; if there are none, those of packages.
 *
 * Asks V8 for the frames themselves rather than for its text: with source maps on, the text of a package's frame names
 * a source file that need not exist, and hides that it lies in `node_modules`.
 *
 * @param captured what has a `stack` that was not read yet
 * @param cached whether places that were looked up before are taken from there
 */
export function readFrames(captured: { readonly stack?: string }, cached: boolean): Frames {
  const previous = Error.prepareStackTrace
  const all = structured(captured, textFor(captured, previous)).filter((site) =>
    isInFile(site.getFileName()),
  )
  const outside = all.filter((site) => !isPackage(site.getFileName() ?? ''))
  const places = placesOf(outside.length > 0 ? outside : all, previous, cached)
  // In a bundle it is the source map that tells whose code a frame is.
  const own = places.filter(({ code }) => isUsersCode(code))
  return {
    sites: (own.length > 0 ? own : places).map(({ site }) => site),
    areUsers: own.length > 0,
  }
}

/** Whether one of the frames is of the user's own code, less what awaits the others. */
export function calledByUser(captured: { readonly stack?: string }): boolean {
  const previous = Error.prepareStackTrace
  const outside = structured(captured, () => '').filter((site) => {
    const file = site.getFileName()
    return !site.isAsync() && isInFile(file) && !isPackage(file ?? '')
  })
  return placesOf(outside, previous, true).some(({ code }) => isUsersCode(code))
}

/** The file of the innermost frame. */
export function innermostFile(captured: { readonly stack?: string }): string | undefined {
  return structured(captured, () => '')[0]?.getFileName() ?? undefined
}

/** The frames of a stack that has not been read yet. @param format what its text is from now on */
function structured(
  captured: { readonly stack?: string },
  format: Format,
): readonly NodeJS.CallSite[] {
  const previous = Error.prepareStackTrace
  let sites: readonly NodeJS.CallSite[] = []
  Error.prepareStackTrace = (error, frames) => {
    sites = frames
    return format(error, frames)
  }
  try {
    // Reading it is what makes V8 call the function above.
    void captured.stack
  } finally {
    Error.prepareStackTrace = previous
  }
  return sites
}

/** An error of others keeps its text, which V8 makes but once; what was captured here has no other reader. */
function textFor(
  captured: { readonly stack?: string },
  previous: typeof Error.prepareStackTrace,
): Format {
  if (!isNativeError(captured)) return () => ''
  const format = previous ?? OuterError.prepareStackTrace
  return typeof format === 'function'
    ? format
    : (error, frames) => [String(error), ...frames.map((frame) => `    at ${frame}`)].join('\n')
}

function placesOf(
  frames: readonly NodeJS.CallSite[],
  previous: typeof Error.prepareStackTrace,
  cached: boolean,
): Place[] {
  if (frames.length > 0) learnOwnPlace(previous)
  const places = frames.map((frame) => locate(frame, previous, cached))
  for (const { code } of places) noteSource(code)
  return places
}

let learnt = false

/** In a bundle of a program, where this very code stands says how connmgr's own code is told apart there. */
function learnOwnPlace(previous: typeof Error.prepareStackTrace): void {
  if (learnt) return
  learnt = true
  const captured: { readonly stack?: string } = {}
  Error.captureStackTrace(captured)
  const [frame] = structured(captured, () => '')
  if (frame !== undefined) noteOwnPlace(locate(frame, previous, false).code)
}

function locate(
  frame: NodeJS.CallSite,
  previous: typeof Error.prepareStackTrace,
  cached: boolean,
): Place {
  const file = pathOf(frame.getFileName() ?? '')
  const functionName = nameOf(frame)
  const line = frame.getLineNumber() ?? 0
  const column = frame.getColumnNumber() ?? 0
  const key = `${file}:${line}:${column}`
  const site =
    (cached ? located.get(key) : undefined) ??
    sourceOf({ functionName, file, line, column }, frame, previous)
  if (cached) {
    if (located.size >= MOST_LOCATED) located.clear()
    located.set(key, site)
  }
  return { site: { ...site, functionName }, code: { file, line, source: site.file } }
}

function sourceOf(
  { functionName, file, line, column }: CallSite,
  site: NodeJS.CallSite,
  previous: typeof Error.prepareStackTrace,
): CallSite {
  // The sources of a package are nowhere, and its source maps may name places that look like the user's.
  if (isPackage(file)) return { functionName, file, line, column }
  // Code that has taken over the formatting of stacks (a test runner, a loader) also knows the sources.
  const mapped =
    typeof previous === 'function'
      ? formattedBy(previous, site)
      : (mapBack(file, line, column) ?? formattedBy(OuterError.prepareStackTrace, site))
  return mapped === undefined ? { functionName, file, line, column } : { ...mapped, functionName }
}

function formattedBy(
  format: typeof Error.prepareStackTrace,
  site: NodeJS.CallSite,
): CallSite | undefined {
  if (typeof format !== 'function') return undefined
  try {
    return parseFrame(lastLine(format(new Error(), [site])))
  } catch {
    // A formatter of others that fails: the place as it runs is better than an error in the caller's query.
    return undefined
  }
}

function lastLine(text: unknown): string | undefined {
  return typeof text === 'string' ? text.split('\n').at(-1) : undefined
}

function mapBack(file: string, line: number, column: number): CallSite | undefined {
  const entry = findSourceMap(file)?.findEntry(line - 1, column - 1)
  if (entry === undefined || !('originalSource' in entry)) return undefined
  return {
    functionName: ANONYMOUS,
    file: pathOf(entry.originalSource),
    line: entry.originalLine + 1,
    column: entry.originalColumn + 1,
  }
}

function nameOf(site: NodeJS.CallSite): string {
  const functionName = site.getFunctionName()
  if (functionName === null || functionName === '') return ANONYMOUS
  const type = site.isToplevel() || site.isConstructor() ? null : site.getTypeName()
  const isPlain =
    type === null || type === 'Object' || type === 'Function' || functionName.startsWith(`${type}.`)
  return isPlain ? functionName : `${type}.${functionName}`
}
