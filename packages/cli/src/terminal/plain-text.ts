/** C0 and C1 controls: a name or a statement of a database must not steer the terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g

/** A text from elsewhere on one line, without characters that steer a terminal. */
export function plainText(text: string): string {
  return text.replace(CONTROLS, ' ')
}

/** Characters that a text takes on a terminal, near enough for columns. */
export function widthOf(text: string): number {
  return [...text].length
}

/** A sequence that colours, or a character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how such a sequence begins
const PIECES = /\u001b\[[\d;]*m|./gsu

/** A line of our own within so many characters, with all of its colours, so that none goes on behind it. */
export function clipped(line: string, width: number): string {
  let left = width
  const pieces = line.match(PIECES) ?? []
  return pieces
    .filter((piece) => {
      if (piece.startsWith('\u001b')) return true
      left -= 1
      return left >= 0
    })
    .join('')
}
