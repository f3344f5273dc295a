import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the build puts what the browser loads. */
const FOLDER = join(__dirname, '..', 'dist', 'page')

const files = new Map<string, Buffer>()

/** A file of the page; read once. */
export function assetOf(name: 'page.css' | 'page.js'): Buffer {
  let content = files.get(name)
  if (content === undefined) {
    content = readFileSync(join(FOLDER, name))
    files.set(name, content)
  }
  return content
}

/** The page itself. It has no data and no script of its own: both are loaded from beside it. */
export function pageOf(title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
</head>
<body>
<div id="page"><p class="empty">Loading…</p></div>
<noscript>This page needs JavaScript, which it loads from this server alone.</noscript>
</body>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
