import type { Io, Output } from './io.js'

/** Puts a colour or a weight around a text; leaves it as it is where colours are off. */
export interface Style {
  readonly on: boolean
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  yellow(text: string): string
  green(text: string): string
  cyan(text: string): string
}

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  cyan: [36, 39],
} as const

/**
 * Colours for an output: none with `NO_COLOR` (https://no-color.org), with `--no-color`, with `TERM=dumb`, or where the
 * output is no terminal, unless `FORCE_COLOR` asks for them.
 */
export function styleFor(output: Output, env: Io['env'], wanted = true): Style {
  const on = wanted && mayColour(output, env)
  const paint =
    (name: keyof typeof CODES) =>
    (text: string): string => {
      const [start, end] = CODES[name]
      return on && text !== '' ? `\u001b[${start}m${text}\u001b[${end}m` : text
    }
  return {
    on,
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    yellow: paint('yellow'),
    green: paint('green'),
    cyan: paint('cyan'),
  }
}

function mayColour(output: Output, env: Io['env']): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  const { FORCE_COLOR: forced } = env
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false'
  return output.isTTY === true && env.TERM !== 'dumb'
}
