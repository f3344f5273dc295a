import { snapshotText } from '../report/text.js'
import type { ProcessSnapshot } from '../snapshot/snapshot.js'
import type { Output } from '../terminal/io.js'
import { plainText } from '../terminal/plain-text.js'
import type { Style } from '../terminal/style.js'
import { Screen } from './screen.js'

/** The latest look at a process on the screen of a terminal, drawn anew when that changes its size. */
export class LiveScreen {
  readonly #output: Output
  readonly #style: Style
  readonly #most: number
  readonly #screen: Screen
  readonly #redraw = (): void => this.#draw()
  #snapshot: ProcessSnapshot | undefined
  /** Why there is nothing newer. */
  #lost: string | undefined

  /** @param most holders, and statements, that are shown of each manager */
  constructor(output: Output, style: Style, most: number) {
    this.#output = output
    this.#style = style
    this.#most = most
    this.#screen = new Screen(output)
    output.on?.('resize', this.#redraw)
  }

  show(snapshot: ProcessSnapshot): void {
    this.#snapshot = snapshot
    this.#lost = undefined
    this.#draw()
  }

  /** Keeps the latest look, and says above it that it is old. */
  lose(reason: string): void {
    this.#lost = reason
    this.#draw()
  }

  /** Gives the terminal back as it was. */
  leave(): void {
    this.#output.off?.('resize', this.#redraw)
    this.#screen.leave()
  }

  #draw(): void {
    if (this.#snapshot === undefined) return
    const { columns: width = 80 } = this.#output
    const text = snapshotText(this.#snapshot, { style: this.#style, width, most: this.#most })
    const lost =
      this.#lost === undefined
        ? ''
        : `${this.#style.red(`OLD, trying again: ${plainText(this.#lost)}`)}\n`
    this.#screen.draw(`${lost}${text}`)
  }
}
