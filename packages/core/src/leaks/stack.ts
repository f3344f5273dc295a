/** A stack as it was captured; V8 formats it when `stack` is first read. */
export interface CapturedStack {
  readonly stack?: string
}

/** Any function; only its identity matters. */
export type FunctionReference = (...args: never[]) => unknown

/** Frames to keep. ORMs push the caller down by 7 to 21 frames, so V8's default of 10 is too few. */
const DEPTH = 50
const FRAME = /^at (?:async )?(?:(.+?) \()?(?:file:\/\/)?(.+?):(\d+):(\d+)\)?$/

/** One frame of a stack. */
export interface CallSite {
  readonly functionName: string
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Captures the stack above the call of `below`, which must be a function now on the stack. */
export function captureStack(below: FunctionReference): CapturedStack {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = DEPTH
  const captured: CapturedStack = {}
  Error.captureStackTrace(captured, below)
  Error.stackTraceLimit = limit
  return captured
}

/** The frames of the caller's own code, without Node's and packages' frames; all frames if none would be left. */
export function userFrames(captured: CapturedStack): string[] {
  const frames = (captured.stack ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
  const own = frames.filter(isUserFrame)
  return own.length > 0 ? own : frames
}

/** `function (file:line:column)` of the first of the caller's own frames. */
export function describeOrigin(captured: CapturedStack): string | undefined {
  const site = parseFrame(userFrames(captured)[0])
  return site && `${site.functionName} (${site.file}:${site.line}:${site.column})`
}

/** Takes one line of a stack apart; undefined if it names no place in a file. */
export function parseFrame(frame: string | undefined): CallSite | undefined {
  const match = frame === undefined ? null : FRAME.exec(frame)
  if (match === null) return undefined
  const [, functionName = '<anonymous>', file = '', line, column] = match
  return { functionName, file, line: Number(line), column: Number(column) }
}

function isUserFrame(frame: string): boolean {
  return (
    !frame.includes('/node_modules/') &&
    !frame.includes('\\node_modules\\') &&
    !frame.includes('(node:') &&
    !frame.startsWith('at node:') &&
    !frame.includes('(<anonymous>)') &&
    !frame.includes('(native)')
  )
}
