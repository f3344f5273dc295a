import fc from 'fast-check'
import { clipped } from './plain-text.js'
import { styleFor } from './style.js'
import { tableOf } from './table.js'
import { bytes, duration } from './units.js'

const PLAIN = (text: string): string => text
const terminal = { write: () => {}, isTTY: true }
const pipe = { write: () => {} }

test.each([
  [terminal, {}, true, true],
  [pipe, {}, true, false],
  [terminal, { NO_COLOR: '1' }, true, false],
  [terminal, { NO_COLOR: '' }, true, true],
  [terminal, { TERM: 'dumb' }, true, false],
  [terminal, {}, false, false],
  [pipe, { FORCE_COLOR: '1' }, true, true],
  [pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
])('colours of %j with %j', (output, env, wanted, on) => {
  const style = styleFor(output, env, wanted)
  expect(style.on).toBe(on)
  expect(style.red('x')).toBe(on ? '\u001b[31mx\u001b[39m' : 'x')
})

test('no text from elsewhere steers the terminal, or breaks a table', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
      const lines = tableOf(texts, [{ title: 'TEXT', most: 20, cell: (text) => text }], PLAIN)
      expect(lines).toHaveLength(texts.length === 0 ? 0 : texts.length + 1)
      for (const line of lines) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
        expect([...line].length).toBeLessThanOrEqual(20)
      }
    }),
    { numRuns: 50 },
  )
})

test('times and sizes are for people', () => {
  expect([0, 0.004, 0.26, 12.4, 999, 3400, 300_000, 7_200_000, 180_000_000].map(duration)).toEqual([
    '0 ms',
    '<0.1 ms',
    '0.3 ms',
    '12 ms',
    '999 ms',
    '3.4 s',
    '5 min',
    '2 h',
    '2.1 d',
  ])
  expect([512, 1536, 8_589_934_592].map(bytes)).toEqual(['512 B', '1.5 kB', '8 GB'])
})

test('a line is clipped by what is seen of it, and ends its colours', () => {
  const red = '\u001b[31mone two\u001b[39m three'
  expect(clipped(red, 5)).toBe('\u001b[31mone t\u001b[39m')
  expect(clipped(red, 80)).toBe(red)
})

test('a cell that is too long keeps the end that matters', () => {
  const cell = () => 'load (src/orders/load-orders.ts:12:3)'
  const [, start] = tableOf([1], [{ title: 'AT', most: 12, cell }], PLAIN)
  const [, end] = tableOf([1], [{ title: 'AT', most: 12, keep: 'end', cell }], PLAIN)
  expect([start, end]).toEqual(['load (src/o…', '…rs.ts:12:3)'])
})
