// Finds the snippets of a Markdown page, and what the page keeps out of sight to make them whole:
//
//   <!-- setup ... -->     before a fence: code that precedes it
//   ```ts runnable         a whole program
//   ```ts fragment         a part of one, with its setup and check a program
//   ```ts file=app.ts      a module that the programs of the page import
//   <!-- check ... -->     after a fence: code that follows it, with assertions
//
// Hidden code of one line may be written `<!-- setup: code -->`.
//
// Every TypeScript fence is one of these: what is not run goes stale unnoticed.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { ROOT } from './run.mjs'

const SCRIPT = new Set(['ts', 'typescript', 'tsx', 'js', 'javascript', 'mjs', 'cjs'])
const FENCE = /^```(\S*) *(.*)$/
const HIDDEN = /^<!-- (setup|check)(?:$|: (.*) -->$)/

/**
 * @param {string} file
 * @returns {{ programs: { line: number, whole: boolean, code: string, flags: Set<string> }[],
 *   modules: { line: number, name: string, code: string }[], schemas: string[] }}
 */
export function snippetsOf(file) {
  const lines = readFileSync(file, 'utf8').split('\n')
  const found = { programs: [], modules: [], schemas: [] }
  const where = (line) => `${relative(ROOT, file)}:${line}`
  let setup
  let latest
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1
    const hidden = HIDDEN.exec(lines[index])
    if (hidden !== null) {
      const [code, end] =
        hidden[2] === undefined ? until(lines, index, /^-->$/, where(line)) : [hidden[2], index]
      if (hidden[1] === 'setup') setup = setup === undefined ? code : `${setup}\n${code}`
      else if (latest === undefined) throw new Error(`${where(line)}: a check follows no snippet`)
      else latest.code += `\n${code}`
      index = end
      continue
    }
    const fence = FENCE.exec(lines[index])
    if (fence === null) continue
    const [code, end] = until(lines, index, /^```$/, where(line))
    index = end
    latest = undefined
    const [, language, meta] = fence
    if (language === 'prisma') found.schemas.push(code)
    if (!SCRIPT.has(language)) continue
    const [kind = '', ...flags] = meta.split(' ')
    if (kind.startsWith('file=')) {
      found.modules.push({ line, name: kind.slice('file='.length), code })
    } else if (kind === 'runnable' || kind === 'fragment') {
      latest = {
        line,
        whole: kind === 'runnable',
        code: setup === undefined ? code : `${setup}\n${code}`,
        flags: new Set(flags),
      }
      found.programs.push(latest)
    } else {
      throw new Error(
        `${where(line)}: a fence of "${language}" must say "runnable", "fragment" or "file=..."`,
      )
    }
    setup = undefined
  }
  if (setup !== undefined) throw new Error(`${where(lines.length)}: a setup precedes no snippet`)
  return found
}

/** The lines between this one and the one that ends the block, and the index of that. */
function until(lines, start, last, where) {
  const end = lines.findIndex((line, index) => index > start && last.test(line))
  if (end < 0) throw new Error(`${where}: the block has no end`)
  return [lines.slice(start + 1, end).join('\n'), end]
}
