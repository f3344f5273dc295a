import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** What the demo shows while it runs. Everything goes to one stream, so that `--json` leaves stdout to the result. */
export class Screen {
  readonly #stream: NodeJS.WriteStream
  readonly #live: boolean
  readonly #startedAt = performance.now()
  #hasStatus = false

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.#live = stream.isTTY === true && process.env.CI === undefined
  }

  heading(text: string): void {
    this.line('')
    this.line(this.#paint('bold', text))
  }

  /** Something happened now. */
  event(text: string, style: Style = 'reset'): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(2).padStart(6)
    this.line(`${this.#paint('dim', `${seconds} s`)}  ${this.#paint(style, text)}`)
  }

  line(text: string): void {
    if (this.#hasStatus) this.#stream.write('\r\x1b[2K')
    this.#hasStatus = false
    this.#stream.write(`${text}\n`)
  }

  /** A line that is replaced by the next one; without a terminal there is none. */
  status(text: string): void {
    if (!this.#live) return
    this.#stream.write(`\r\x1b[2K${this.#paint('dim', text)}`)
    this.#hasStatus = true
  }

  /** Whether something was as promised, and what was seen of it. */
  claim(ok: boolean, text: string, seen: string): void {
    const mark = ok ? this.#paint('green', 'ok    ') : this.#paint('red', 'failed')
    this.line(`  ${mark}  ${text}`)
    this.line(this.#paint('dim', `          ${seen}`))
  }

  #paint(style: Style, text: string): string {
    return this.#stream.isTTY === true || process.env.FORCE_COLOR ? styleText(style, text) : text
  }
}
