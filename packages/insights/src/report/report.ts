import { invalidOption } from '@connmgr/core/driver'
import type { InsightsSnapshot } from '../snapshot.js'
import { htmlReport } from './html.js'
import { textReport } from './text.js'

/** How a report is written. */
export type ReportFormat = 'text' | 'json' | 'html'

const WRITERS: Readonly<Record<ReportFormat, (snapshot: InsightsSnapshot) => string>> = {
  text: textReport,
  json: (snapshot) => JSON.stringify(snapshot, null, 2),
  html: htmlReport,
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function checkFormat(format: unknown): void {
  if (typeof format !== 'string' || !Object.hasOwn(WRITERS, format))
    throw invalidOption('format', format, "'text', 'json' or 'html'")
}

export function reportOf(snapshot: InsightsSnapshot, format: ReportFormat): string {
  return WRITERS[format](snapshot)
}
