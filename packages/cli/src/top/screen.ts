import type { Output } from '../terminal/io.js'
import { clipped } from '../terminal/plain-text.js'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

/** The screen of a terminal, redrawn in place. What was on it before is there again when it is left. */
export class Screen {
  readonly #output: Output
  #entered = false

  constructor(output: Output) {
    this.#output = output
  }

  /** Puts lines on the screen, as many as it has room for. One write, so that it does not flicker. */
  draw(text: string): void {
    const { columns = 80, rows = 24 } = this.#output
    const lines = text
      .trimEnd()
      .split('\n')
      .slice(0, rows - 1)
    const body = lines.map((line) => `${clipped(line, columns)}${CLEAR_LINE}`).join('\n')
    this.#output.write(`${this.#entered ? '' : ENTER}${HOME}${body}\n${CLEAR_BELOW}`)
    this.#entered = true
  }

  leave(): void {
    if (this.#entered) this.#output.write(LEAVE)
    this.#entered = false
  }
}
