import { figure, ratioToBestPeer } from './report.js'
import type { Measured, Suite } from './suite.js'

const WIDTH = 720
const LABEL = 190
const BAR = 14
const GAP = 4
const COLOURS: Readonly<Record<string, string>> = { connmgr: '#2da44e', floor: '#d0d7de' }
const PEER = '#8c959f'

/** A suite as bars, a group for each case; the longest bar of a group has the full width. */
export function chartOf(suite: Suite, cases: Record<string, Measured>, machine: string): string {
  const parts: string[] = []
  let y = 48
  for (const [name, measured] of Object.entries(cases)) {
    const ratio = ratioToBestPeer(suite, measured)
    const verdict = ratio === undefined ? '' : `, ${ratio.toFixed(2)} × the best peer`
    parts.push(text(0, y, `${name}${verdict}`, 'font-weight="bold"'))
    y += 10
    const longest = Math.max(...Object.values(measured.times))
    const byTime = Object.entries(measured.times).sort(([, a], [, b]) => a - b)
    for (const [contender, time] of byTime) {
      const width = Math.max(1, (time / longest) * (WIDTH - LABEL - 90))
      parts.push(
        text(LABEL - 8, y + BAR - 3, contender, 'text-anchor="end"'),
        `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${COLOURS[contender] ?? PEER}"/>`,
        text(LABEL + width + 6, y + BAR - 3, figure(time, measured.unit)),
      )
      y += BAR + GAP
    }
    y += 22
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" role="img" aria-label="${escapeText(suite.name)}">
<rect width="100%" height="100%" fill="#ffffff"/>
<g font-family="system-ui, sans-serif" font-size="12" fill="#1f2328" transform="translate(10 0)">
${text(0, 18, `${suite.name}: ${suite.about}; shorter is better`, 'font-weight="bold"')}
${text(0, 34, machine, 'fill="#656d76"')}
${parts.join('\n')}
</g>
</svg>
`
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${more}>${escapeText(content)}</text>`
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
