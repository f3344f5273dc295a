// Runs the demo and draws what it prints as docs/demo.svg, so that the picture in the README is of a real run.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, run } from './run.mjs'

const COLUMNS = 100
const LINE_HEIGHT = 18
const CHARACTER_WIDTH = 8.4
const PADDING = 20
const COLOURS = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341' }

const output = await run(process.execPath, ['scripts/demo.mjs'], {
  quiet: true,
  env: { FORCE_COLOR: '1' },
})
// What comes before is about building.
const start = output.lastIndexOf('\n', output.indexOf('1. '))
const lines = output.slice(start).trim().split('\n')
const height = PADDING * 2 + lines.length * LINE_HEIGHT
const width = PADDING * 2 + COLUMNS * CHARACTER_WIDTH

function escapeText(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** One line as spans: the text between two escape sequences has the style that the first one set. */
function drawLine(line, row) {
  let style = ''
  const spans = line.split('\u001b[').map((part, index) => {
    const [, code, text] = index === 0 ? [null, null, part] : /^(\d+)m(.*)$/s.exec(part)
    if (code === '1') style = 'font-weight="bold" fill="#ffffff"'
    else if (code === '2') style = 'fill="#8b949e"'
    else if (code in COLOURS) style = `fill="${COLOURS[code]}"`
    else if (code !== null) style = ''
    return text === '' ? '' : `<tspan ${style}>${escapeText(text)}</tspan>`
  })
  const y = PADDING + (row + 0.8) * LINE_HEIGHT
  return `<text x="${PADDING}" y="${y.toFixed(1)}" xml:space="preserve">${spans.join('')}</text>`
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${Math.ceil(height)}" role="img" aria-label="Output of the demo">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#c9d1d9">
${lines.map(drawLine).join('\n')}
</g>
</svg>
`
mkdirSync(join(ROOT, 'docs'), { recursive: true })
writeFileSync(join(ROOT, 'docs', 'demo.svg'), svg)
console.log('docs/demo.svg')
