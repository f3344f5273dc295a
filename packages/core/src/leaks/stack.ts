import { addLibraryFile } from './code-owner.js'
import {
  ANONYMOUS,
  type CallSite,
  calledByUser,
  type Frames,
  innermostFile,
  readFrames,
} from './frames.js'

/** A stack as it was captured; V8 formats it when `stack` is first read. */
export interface CapturedStack {
  readonly stack?: string
}

/** Any function; only its identity matters. */
export type FunctionReference = (...args: never[]) => unknown

/** Frames to keep. ORMs push the caller down by 7 to 21 frames, so V8's default of 10 is too few. */
const DEPTH = 50
/** Between a method that one of a library's own calls and the code that has called that one. */
const NEAR = 8

/** What a stack was formatted to, since V8 tells its frames only once. */
const formatted = new WeakMap<CapturedStack, Frames>()

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
  const file = innermostFile(captureStack(below))
  if (file && path.test(file)) addLibraryFile(file)
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

function framesOf(captured: CapturedStack, cached = false): Frames {
  let frames = formatted.get(captured)
  if (frames === undefined) {
    frames = readFrames(captured, cached)
    formatted.set(captured, frames)
  }
  return frames
}

/** Whether a stack leads to code that is neither Node's nor a package's, nor connmgr's. */
export function leadsToUser(captured: CapturedStack): boolean {
  return framesOf(captured).areUsers
}

/**
 * The lines of user code that a stack leads through, innermost first, at most `most`: none of Node, of packages, or of
 * connmgr. Empty if it leads through none.
 */
export function userPath(captured: CapturedStack, most: number): readonly CallSite[] {
  const { areUsers, sites } = framesOf(captured, true)
  return areUsers ? sites.slice(0, most) : []
}

/**
 * Whether code that is neither Node's nor a package's, nor connmgr's, stands on the running stack, not far above the call of
 * `below`, which must be a function now on it: what awaits the result of that does not count.
 */
export function isCalledByUser(below: FunctionReference): boolean {
  return calledByUser(captureStack(below, NEAR))
}

/** The caller's frames as lines of text. */
export function formatStack(captured: CapturedStack): string {
  return framesOf(captured)
    .sites.map((site) => `at ${formatSite(site)}`)
    .join('\n')
}

/**
 * `function (file:line:column)` of the caller: where its innermost frame stands, and the innermost function around it
 * that has a name, as callbacks have none.
 */
export function describeOrigin(captured: CapturedStack): string | undefined {
  const { sites: frames } = framesOf(captured)
  const [first] = frames
  if (first === undefined) return undefined
  const named = frames.find((site) => site.file === first.file && site.functionName !== ANONYMOUS)
  return formatSite({ ...first, functionName: named?.functionName ?? ANONYMOUS })
}

function formatSite({ functionName, file, line, column }: CallSite): string {
  return `${functionName} (${file}:${line}:${column})`
}
