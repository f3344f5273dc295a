import { systemClock } from '@connmgr/core/driver'
import { fetchSnapshot, isAlive } from '../attach/fetch-snapshot.js'
import { ATTACH_OPTIONS, locate, type Place } from '../attach/locate.js'
import { startDeadline } from '../databases/deadline.js'
import { EXIT_CODE, type ExitCode, UnreachableError } from '../exit-code.js'
import { countOf, type OptionDeclarations, type Parsed } from '../options/parse.js'
import { snapshotText } from '../report/text.js'
import type { ProcessSnapshot } from '../snapshot/snapshot.js'
import type { Io } from '../terminal/io.js'
import { type Style, styleFor } from '../terminal/style.js'
import { LiveScreen } from './live-screen.js'

/** The options of `top`. */
export const TOP_OPTIONS = {
  ...ATTACH_OPTIONS,
  interval: { type: 'string' },
  once: { type: 'boolean' },
  timeout: { type: 'string' },
} as const satisfies OptionDeclarations

const DEFAULT_INTERVAL_MS = 1000
const DEFAULT_TIMEOUT_MS = 5000
const SHORTEST_INTERVAL_MS = 100
const DEFAULT_WIDTH = 140
const MOST_LINES = 15

/**
 * Watches a process until the user has seen enough. On a terminal the screen is redrawn, and a process that is gone is waited
 * for; with `--json` each look is a line of its own, until the process ends. Elsewhere one look is printed.
 */
export async function runTop(parsed: Parsed, io: Io): Promise<ExitCode> {
  const intervalMs =
    countOf(parsed, 'interval', { least: SHORTEST_INTERVAL_MS }) ?? DEFAULT_INTERVAL_MS
  const timeoutMs = countOf(parsed, 'timeout', { least: 1 }) ?? DEFAULT_TIMEOUT_MS
  const place = await locate(parsed, io.env, isAlive)
  const json = parsed.json === true
  const style = styleFor(io.stdout, io.env, parsed['no-color'] !== true)
  const next = (): Promise<ProcessSnapshot> => look(place, timeoutMs, io.signal)
  try {
    if (parsed.once === true || (!json && io.stdout.isTTY !== true)) {
      const snapshot = await next()
      const { columns: width = DEFAULT_WIDTH } = io.stdout
      io.stdout.write(
        json
          ? `${JSON.stringify(snapshot, null, 2)}\n`
          : snapshotText(snapshot, { style, width, most: MOST_LINES }),
      )
    } else if (json) await printLines(next, intervalMs, io)
    else await redraw(next, intervalMs, io, style)
  } catch (error) {
    if (!io.signal.aborted) throw error
  }
  return EXIT_CODE.ok
}

async function printLines(
  next: () => Promise<ProcessSnapshot>,
  intervalMs: number,
  { signal, stdout }: Io,
): Promise<void> {
  while (!signal.aborted) {
    stdout.write(`${JSON.stringify(await next())}\n`)
    await pause(intervalMs, signal)
  }
}

/** A process that cannot be reached at the first look is an error; later it may be restarting. */
async function redraw(
  next: () => Promise<ProcessSnapshot>,
  intervalMs: number,
  { signal, stdout }: Io,
  style: Style,
): Promise<void> {
  const screen = new LiveScreen(stdout, style, MOST_LINES)
  try {
    screen.show(await next())
    for (;;) {
      await pause(intervalMs, signal)
      if (signal.aborted) return
      try {
        screen.show(await next())
      } catch (error) {
        if (signal.aborted || !(error instanceof UnreachableError)) throw error
        screen.lose(error.message)
      }
    }
  } finally {
    screen.leave()
  }
}

async function look(
  place: Place,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProcessSnapshot> {
  const deadline = startDeadline(timeoutMs, signal)
  try {
    return await fetchSnapshot(place, deadline.signal)
  } finally {
    deadline.end()
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      systemClock.clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = systemClock.setTimeout(end, ms, true)
    signal.addEventListener('abort', end, { once: true })
  })
}
