import { fetchSnapshot, isAlive } from '../attach/fetch-snapshot.js'
import { ATTACH_OPTIONS, locate } from '../attach/locate.js'
import { startDeadline } from '../databases/deadline.js'
import { EXIT_CODE, type ExitCode } from '../exit-code.js'
import { choiceOf, countOf, type OptionDeclarations, type Parsed } from '../options/parse.js'
import type { ProcessSnapshot } from '../snapshot/snapshot.js'
import type { Io } from '../terminal/io.js'
import { styleFor } from '../terminal/style.js'
import { snapshotHtml } from './html.js'
import { snapshotText } from './text.js'

/** The options of `report`. */
export const REPORT_OPTIONS = {
  ...ATTACH_OPTIONS,
  format: { type: 'string' },
  timeout: { type: 'string' },
} as const satisfies OptionDeclarations

const DEFAULT_TIMEOUT_MS = 5000
const DEFAULT_WIDTH = 140
const MOST_LINES = 100

/** Prints the state of a process once. */
export async function runReport(parsed: Parsed, io: Io): Promise<ExitCode> {
  const asked = choiceOf(parsed, 'format', ['text', 'json', 'html'], 'text')
  const format = parsed.json === true ? 'json' : asked
  const timeoutMs = countOf(parsed, 'timeout', { least: 1 }) ?? DEFAULT_TIMEOUT_MS
  const place = await locate(parsed, io.env, isAlive)
  const deadline = startDeadline(timeoutMs, io.signal)
  try {
    const snapshot = await fetchSnapshot(place, deadline.signal)
    io.stdout.write(print(snapshot, format, parsed, io))
    return EXIT_CODE.ok
  } finally {
    deadline.end()
  }
}

function print(
  snapshot: ProcessSnapshot,
  format: 'text' | 'json' | 'html',
  parsed: Parsed,
  { env, stdout }: Io,
): string {
  if (format === 'json') return `${JSON.stringify(snapshot, null, 2)}\n`
  if (format === 'html') return snapshotHtml(snapshot)
  const style = styleFor(stdout, env, parsed['no-color'] !== true)
  return snapshotText(snapshot, { style, width: stdout.columns ?? DEFAULT_WIDTH, most: MOST_LINES })
}
