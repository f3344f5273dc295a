import type { Family } from './family.js'
import type { Sample, Samples } from './samples.js'

/** The media type of {@link renderText}'s output. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Prometheus's text format, version 0.0.4. Families without a series are left out. */
export function renderText(families: Iterable<Family>, samples: Samples): string {
  let text = ''
  for (const family of families) {
    const lines = samples.of(family)
    if (lines.length === 0) continue
    text += `# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n`
    for (const sample of lines) text += `${renderSample(sample)}\n`
  }
  return text
}

function renderSample({ labels, name, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${renderValue(value)}`
}

function renderValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
