/** The folder that the process works in, to show files relative to it. Empty if it has been removed. */
export function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return ''
  }
}
