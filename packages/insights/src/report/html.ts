import type { InsightsSnapshot } from '../snapshot.js'
import { type Section, sectionsOf, summaryOf } from './sections.js'

const STYLE =
  'body{font:14px/1.5 system-ui,sans-serif;margin:2rem;color-scheme:light dark}' +
  'table{border-collapse:collapse;margin:.5rem 0 2rem;width:100%}' +
  'th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884;vertical-align:top}' +
  'td:last-child{font-family:ui-monospace,monospace;font-size:12px}'

/** A page that stands alone: no script, nothing from elsewhere. */
export function htmlReport(snapshot: InsightsSnapshot): string {
  const title = `Insights of ${snapshot.pool}`
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escaped(title)}</h1>`,
    `<p>${escaped(summaryOf(snapshot))}, at ${new Date(snapshot.at).toISOString()}</p>`,
    ...sectionsOf(snapshot).map(tableOf),
    '</body></html>',
    '',
  ].join('\n')
}

function tableOf({ columns, rows, title }: Section): string {
  const row = (cells: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  return [
    `<h2>${escaped(title)}</h2>`,
    `<table><thead>${row(columns, 'th')}</thead>`,
    `<tbody>${rows.map((each) => row(each, 'td')).join('\n')}</tbody></table>`,
  ].join('\n')
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
