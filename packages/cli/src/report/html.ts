import type { ProcessSnapshot } from '../snapshot/snapshot.js'
import { styleFor } from '../terminal/style.js'
import { snapshotText } from './text.js'

const PLAIN = styleFor({ write: () => {} }, { NO_COLOR: '1' })

const LOOK = `:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem}
pre{font:13px/1.5 ui-monospace,monospace;overflow-x:auto;border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:6px;padding:1rem}
table{border-collapse:collapse;margin:1rem 0}
th,td{text-align:left;padding:.25rem 1rem .25rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 15%,transparent)}
td.number,th.number{text-align:right}`

/** The state of a process as one page, without scripts and without anything from elsewhere. */
export function snapshotHtml(snapshot: ProcessSnapshot): string {
  const { process: of } = snapshot
  const title = `${of.program}, pid ${of.pid}`
  const rows = snapshot.managers.map(({ failover, name, pool, reason, status }) =>
    row('td', [
      name,
      reason === null ? status : `${status}: ${reason}`,
      failover.activeEndpoint ?? 'none',
      pool.checkedOut,
      pool.checkedIn,
      pool.waiting,
      pool.limit,
      pool.activeLeaks,
    ]),
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>connmgr: ${escapeHtml(title)}</title>
<style>${LOOK}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(`${of.host}, node ${of.node}, ${snapshot.at}`)}</p>
<table>
<thead>${row('th', ['manager', 'status', 'writer', 'in use', 'idle', 'queue', 'limit', 'leaks'])}</thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<pre>${escapeHtml(snapshotText(snapshot, { style: PLAIN, width: 200, most: 1000 }))}</pre>
</body>
</html>
`
}

function row(cell: 'th' | 'td', values: readonly (string | number)[]): string {
  const cells = values.map((value, index) => {
    const look = index >= 3 ? ' class="number"' : ''
    return `<${cell}${look}>${escapeHtml(String(value))}</${cell}>`
  })
  return `<tr>${cells.join('')}</tr>`
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
