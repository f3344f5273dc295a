import { systemClock } from '@connmgr/core/driver'
import { fetchSnapshot, isAlive } from '../attach/fetch-snapshot.js'
import { ATTACH_OPTIONS, locate, type Place } from '../attach/locate.js'
import { startDeadline } from '../databases/deadline.js'
import { EXIT_CODE, type ExitCode } from '../exit-code.js'
import { countOf, type OptionDeclarations, type Parsed } from '../options/parse.js'
import { snapshotText } from '../report/text.js'
import type { ProcessSnapshot } from '../snapshot/snapshot.js'
import type { Io } from '../terminal/io.js'
import { styleFor } from '../terminal/style.js'
import { Screen } from './screen.js'

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
 * Watches a process until it ends, or the user has seen enough. On a terminal the screen is redrawn; elsewhere one look follows
 * the other, with `--json` each on a line of its own.
 */
export async function runTop(parsed: Parsed, io: Io): Promise<ExitCode> {
  const intervalMs =
    countOf(parsed, 'interval', { least: SHORTEST_INTERVAL_MS }) ?? DEFAULT_INTERVAL_MS
  const timeoutMs = countOf(parsed, 'timeout', { least: 1 }) ?? DEFAULT_TIMEOUT_MS
  const place = await locate(parsed, io.env, isAlive)
  const once = parsed.once === true
  const json = parsed.json === true
  const style = styleFor(io.stdout, io.env, parsed['no-color'] !== true)
  const screen = once || json || io.stdout.isTTY !== true ? undefined : new Screen(io.stdout)
  const show = (snapshot: ProcessSnapshot): void => {
    const { columns: width = DEFAULT_WIDTH } = io.stdout
    const text = json
      ? `${JSON.stringify(snapshot, null, once ? 2 : 0)}\n`
      : snapshotText(snapshot, { style, width, most: MOST_LINES })
    if (screen === undefined) io.stdout.write(text)
    else screen.draw(text)
  }
  try {
    for (;;) {
      show(await look(place, timeoutMs, io.signal))
      if (once) return EXIT_CODE.ok
      await pause(intervalMs, io.signal)
      if (io.signal.aborted) return EXIT_CODE.ok
    }
  } catch (error) {
    if (io.signal.aborted) return EXIT_CODE.ok
    throw error
  } finally {
    screen?.leave()
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
