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
