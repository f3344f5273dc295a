import { findSourceMap } from 'node:module'
import { isNativeError } from 'node:util/types'

/** A stack as it was captured; V8 formats it when `stack` is first read. */
export interface CapturedStack {
  readonly stack?: string
}

/** Any function; only its identity matters. */
export type FunctionReference = (...args: never[]) => unknown

/** A place in a program, as in `function (file:line:column)`. */
export interface CallSite {
  readonly functionName: string
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Frames to keep. ORMs push the caller down by 7 to 21 frames, so V8's default of 10 is too few. */
const DEPTH = 50
/** Between a method that one of a library's own calls and the code that has called that one. */
const NEAR = 8
const FRAME =
  /^at (?:async )?(?:new )?(?:(.+?) (?:\[as .+?\] )?\()?(?:file:\/\/)?(.+?):(\d+):(\d+)\)?$/
const ANONYMOUS = '<anonymous>'

/** `Error` of the realm of Node's own modules: a test runner that runs code in another has its formatter of stacks here. */
const OuterError = errorOfNode()

/** Sources of places in code, by `file:line:column` as it runs: finding one in a source map takes far longer. */
const located = new Map<string, CallSite>()
const MOST_LOCATED = 10_000

/**
 * Directory of the packages of connmgr, which lie beside one another also where they are not in `node_modules`: in this
 * repository, and where a package manager links them. Undefined in a bundle of a program.
 */
const OWN_PACKAGES =
  typeof __dirname === 'string'
    ? /^(.*[\\/])core[\\/](?:src[\\/]leaks|dist)$/.exec(__dirname)?.[1]
    : undefined

/** Files of libraries that lie among those of a program, such as a runtime that a generator has copied there. */
const libraryFiles = new Set<string>()

/** By an error of Node's: the classes that it exports are in modules that take longer to load than all of core. */
function errorOfNode(): ErrorConstructor {
  try {
    Buffer.alloc('' as unknown as number)
  } catch (error) {
    for (let each = error as Error | null; each !== null; each = Object.getPrototypeOf(each))
      if (Object.hasOwn(each, 'constructor') && each.name === 'Error')
        return each.constructor as ErrorConstructor
  }
  return Error
}

/** What a stack was formatted to, since V8 tells its frames only once. */
const formatted = new WeakMap<CapturedStack, readonly CallSite[]>()

/** Captures the stack above the call of `below`, which must be a function now on the stack. @param depth frames to keep */
export function captureStack(below: FunctionReference, depth = DEPTH): CapturedStack {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = depth
  const captured: CapturedStack = {}
  Error.captureStackTrace(captured, below)
  Error.stackTraceLimit = limit
  return captured
}

/**
 * Takes the file of the code that calls `below`, which must be a function now on the stack, to be of a library, as if it
 * were in `node_modules`. For libraries that generate code into a program.
 *
 * @param path what the path of such a file matches; in a bundle, where it does not, the file is the program's, too
 */
export function noteLibraryFile(below: FunctionReference, path: RegExp): void {
  const file = structured(captureStack(below), () => '')[0]?.getFileName()
  if (file && path.test(file)) libraryFiles.add(pathOf(file))
}

/**
 * An error that is made far from the caller it is for, in a timer or listener, where its own stack would name only our
 * code: it gets the stack of the caller's acquire, if that was captured, and costs no capture of its own.
 */
export function withCallersStack<E extends Error>(
  make: () => E,
  callers: CapturedStack | undefined,
): E {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  const error = make()
  Error.stackTraceLimit = limit
  if (callers !== undefined) {
    const headline = `${error.name}: ${error.message}`
    Object.defineProperty(error, 'stack', {
      get: () => `${headline}\n    ${formatStack(callers).replaceAll('\n', '\n    ')}`,
      // Libraries put their own callers' stack in its place.
      set: (stack: unknown) =>
        Object.defineProperty(error, 'stack', {
          value: stack,
          configurable: true,
          enumerable: false,
          writable: true,
        }),
      configurable: true,
      enumerable: false,
    })
  }
  return error
}

/** The frames of the caller's own code, innermost first, without those of Node and of packages. */
function userFrames(captured: CapturedStack, known?: Map<string, CallSite>): readonly CallSite[] {
  let frames = formatted.get(captured)
  if (frames === undefined) {
    frames = readFrames(captured, known)
    formatted.set(captured, frames)
  }
  return frames
}

/** Whether a stack leads to code that is neither Node's nor a package's, nor connmgr's. */
export function leadsToUser(captured: CapturedStack): boolean {
  const [first] = userFrames(captured)
  return first !== undefined && !isPackage(first.file) && !isOwn(first.file)
}

/**
 * The lines of user code that a stack leads through, innermost first, at most `most`: none of Node, of packages, or of
 * connmgr. Empty if it leads through none.
 */
export function userPath(captured: CapturedStack, most: number): readonly CallSite[] {
  const path: CallSite[] = []
  for (const site of userFrames(captured, located)) {
    if (path.length === most) break
    if (!isPackage(site.file) && !isOwn(site.file)) path.push(site)
  }
  return path
}

/**
 * Whether code that is neither Node's nor a package's, nor connmgr's, stands on the running stack, not far above the call of
 * `below`, which must be a function now on it: what awaits the result of that does not count.
 */
export function isCalledByUser(below: FunctionReference): boolean {
  const previous = Error.prepareStackTrace
  return structured(captureStack(below, NEAR), () => '').some(
    (site) => !site.isAsync() && isInFile(site.getFileName()) && isUsers(site, previous),
  )
}

function isUsers(site: NodeJS.CallSite, previous: typeof Error.prepareStackTrace): boolean {
  if (isPackage(site.getFileName() ?? '')) return false
  const { file } = locate(site, previous, located)
  return !isPackage(file) && !isOwn(file)
}

/** The caller's frames as lines of text. */
export function formatStack(captured: CapturedStack): string {
  return userFrames(captured)
    .map((site) => `at ${formatSite(site)}`)
    .join('\n')
}

/**
 * `function (file:line:column)` of the caller: where its innermost frame stands, and the innermost function around it
 * that has a name, as callbacks have none.
 */
export function describeOrigin(captured: CapturedStack): string | undefined {
  const frames = userFrames(captured)
  const [first] = frames
  if (first === undefined) return undefined
  const named = frames.find((site) => site.file === first.file && site.functionName !== ANONYMOUS)
  return formatSite({ ...first, functionName: named?.functionName ?? ANONYMOUS })
}

function formatSite({ functionName, file, line, column }: CallSite): string {
  return `${functionName} (${file}:${line}:${column})`
}

/** Takes one line of a stack apart, as Node prints it or as `checkedOutBy` has it; undefined if it names no place. */
export function parseFrame(text: string | undefined): CallSite | undefined {
  const line = text?.trim() ?? ''
  const match = FRAME.exec(line.startsWith('at ') ? line : `at ${line}`)
  if (match === null) return undefined
  const [, functionName = ANONYMOUS, file = '', row, column] = match
  return { functionName, file, line: Number(row), column: Number(column) }
}

/**
 * Asks V8 for the frames themselves rather than for its text: with source maps on, the text of a package's frame names
 * a source file that need not exist, and hides that it lies in `node_modules`.
 */
function readFrames(captured: CapturedStack, known?: Map<string, CallSite>): CallSite[] {
  const previous = Error.prepareStackTrace
  const all = structured(captured, textFor(captured, previous)).filter((site) =>
    isInFile(site.getFileName()),
  )
  const outside = all.filter((site) => !isPackage(site.getFileName() ?? ''))
  const places = (outside.length > 0 ? outside : all).map((site) => locate(site, previous, known))
  // In a bundle it is the source map that tells whose code a frame is.
  const own = places.filter(({ file }) => !isPackage(file) && !isOwn(file))
  return own.length > 0 ? own : places
}

type Format = NonNullable<typeof Error.prepareStackTrace>

/** The frames of a stack that has not been read yet. @param format what its text is from now on */
function structured(captured: CapturedStack, format: Format): readonly NodeJS.CallSite[] {
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
function textFor(captured: CapturedStack, previous: typeof Error.prepareStackTrace): Format {
  if (!isNativeError(captured)) return () => ''
  const format = previous ?? OuterError.prepareStackTrace
  return typeof format === 'function'
    ? format
    : (error, frames) => [String(error), ...frames.map((frame) => `    at ${frame}`)].join('\n')
}

function isInFile(file: string | null | undefined): boolean {
  return file !== null && file !== undefined && !file.startsWith('node:')
}

function isPackage(file: string): boolean {
  return (
    /[\\/]node_modules[\\/]/.test(file) || (libraryFiles.size > 0 && libraryFiles.has(pathOf(file)))
  )
}

/** ES modules are named by URLs. */
function pathOf(file: string): string {
  return file.replace(/^file:\/\//, '')
}

/** Whether it is code of connmgr, and neither a test of it nor a suite that tests share, which use it as programs do. */
function isOwn(file: string): boolean {
  if (OWN_PACKAGES === undefined || !file.startsWith(OWN_PACKAGES)) return false
  const rest = file.slice(OWN_PACKAGES.length)
  return (
    /^(?!testing[\\/]src[\\/]conformance)[a-z-]+[\\/](?:src|dist)[\\/]/.test(rest) &&
    !/\.test\.[cm]?[jt]s$/.test(rest)
  )
}

/** Where a frame stands in the source that a person wrote. */
function locate(
  site: NodeJS.CallSite,
  previous: typeof Error.prepareStackTrace,
  known: Map<string, CallSite> | undefined,
): CallSite {
  const file = pathOf(site.getFileName() ?? '')
  const functionName = nameOf(site)
  const line = site.getLineNumber() ?? 0
  const column = site.getColumnNumber() ?? 0
  const key = `${file}:${line}:${column}`
  const place = known?.get(key) ?? placeOf({ functionName, file, line, column }, site, previous)
  if (known !== undefined) {
    if (known.size >= MOST_LOCATED) known.clear()
    known.set(key, place)
  }
  return { ...place, functionName }
}

function placeOf(
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
