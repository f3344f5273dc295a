import { readFileSync } from 'node:fs'

/** esbuild writes the path of each module above its code, unless it minifies. */
const MODULE = /^\/\/ (\S.*\.[cm]?[jt]sx?)$/

/** Which lines of a bundle are of which module: what is known of its code without a source map. */
export class BundleParts {
  /** Where the modules begin, in order, counted from 1. */
  readonly #begins: readonly number[]
  readonly #modules: readonly string[]

  private constructor(begins: readonly number[], modules: readonly string[]) {
    this.#begins = begins
    this.#modules = modules
  }

  /** Undefined if the file cannot be read, or says nothing of its modules. */
  static of(file: string): BundleParts | undefined {
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch {
      // Code that was handed to Node as text has a name and no file.
      return undefined
    }
    const begins: number[] = []
    const modules: string[] = []
    for (const [index, line] of text.split('\n').entries()) {
      const module = MODULE.exec(line)?.[1]
      if (module === undefined) continue
      begins.push(index + 1)
      modules.push(module)
    }
    return begins.length === 0 ? undefined : new BundleParts(begins, modules)
  }

  /** The module that a line is of, as the bundler has called it: by its path, relative to where it ran. */
  at(line: number): string | undefined {
    let below = 0
    let above = this.#begins.length
    while (below < above) {
      const middle = (below + above) >> 1
      if ((this.#begins[middle] as number) <= line) below = middle + 1
      else above = middle
    }
    return this.#modules[below - 1]
  }
}
