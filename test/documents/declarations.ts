import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(__dirname, '..', '..')

/** The text of a source file of the repository. */
export function sourceOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** The names of the properties that an interface declares itself, without those of what it extends. */
export function propertiesOf(file: string, name: string): string[] {
  const [, body] =
    new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(
      sourceOf(file),
    ) ?? []
  if (body === undefined) throw new Error(`${file} declares no interface ${name}`)
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(
    ([, property]) => property as string,
  )
}

/** The members of a union of string literals. */
export function literalsOf(file: string, name: string): string[] {
  const [, body] =
    new RegExp(`^export type ${name} =([\\s\\S]*?)(?:\\n\\n|\\n*(?![\\s\\S]))`, 'm').exec(
      sourceOf(file),
    ) ?? []
  if (body === undefined) throw new Error(`${file} declares no type ${name}`)
  return [...body.matchAll(/'([^']+)'/g)].map(([, literal]) => literal as string)
}
