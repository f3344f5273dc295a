import { readFileSync } from 'node:fs'

/** The line of a file that a comment `// MARK: name` stands on. */
export function lineOf(file: string, mark: string): number {
  const lines = readFileSync(file, 'utf8').split('\n')
  const found = lines.flatMap((line, index) =>
    line.includes(`// MARK: ${mark}`) ? [index + 1] : [],
  )
  if (found.length !== 1) throw new Error(`"${mark}" marks ${found.length} lines of ${file}`)
  return found[0] as number
}
