import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { parseSync } from '@swc/core'

/** One thing that a file takes from another. */
export interface Import {
  /** A package, or a file relative to the package's `src`, without extension. */
  readonly from: string
  readonly local: boolean
  /** Erased by the compiler: no dependency at run time. */
  readonly typeOnly: boolean
}

/** What the rules of the architecture need to know of a file. */
export interface SourceFile {
  /** Relative to the package's `src`, without extension. */
  readonly name: string
  readonly imports: readonly Import[]
  /** Uses of the process's own time and chance, such as `Date.now`. */
  readonly ambientTime: readonly string[]
}

interface Node {
  readonly type: string
  readonly [field: string]: unknown
}

const TIME_GLOBALS = ['setTimeout', 'setInterval', 'setImmediate', 'performance']
const TIME_MEMBERS = ['Date.now', 'Math.random', 'process.hrtime', 'AbortSignal.timeout']
const TIME_MODULES = /^(?:node:)?(?:timers(?:\/promises)?|perf_hooks)$/
/** Where a name is only a label, and refers to nothing. */
const LABEL_FIELDS = new Set(['key', 'property', 'label', 'imported', 'exported', 'local'])

/** The files of a package, without its tests. */
export function readPackage(name: string): SourceFile[] {
  const root = join(__dirname, '..', '..', name, 'src')
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.m?ts$/.test(file) && !/\.test(-d)?\.ts$/.test(file))
    .map((file) =>
      readSource(relative(root, join(root, file)), readFileSync(join(root, file), 'utf8')),
    )
}

export function readSource(file: string, code: string): SourceFile {
  const name = file.split(sep).join('/').replace(/\.ts$/, '')
  const imports: Import[] = []
  const ambientTime: string[] = []
  const add = (specifier: string, typeOnly: boolean): void => {
    const local = specifier.startsWith('.')
    const from = local
      ? posix
          .join(dirname(name), specifier)
          .replace(/\.js$/, '')
          .replace(/\.mjs$/, '.mts')
      : specifier
    imports.push({ from, local, typeOnly })
    if (!typeOnly && TIME_MODULES.test(specifier)) ambientTime.push(specifier)
  }
  const module = parseSync(code, { syntax: 'typescript', decorators: true, target: 'es2022' })
  visit(module as unknown as Node, (node) => {
    const specifier = importedBy(node)
    if (specifier !== undefined) add(specifier, isTypeOnly(node))
    const time = ambientTimeOf(node)
    if (time !== undefined) ambientTime.push(time)
  })
  return { name, imports, ambientTime }
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const each of value) visit(each, see)
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (isNode(value)) see(value)
  for (const [field, child] of Object.entries(value)) {
    if (LABEL_FIELDS.has(field) && isNode(child) && child.type === 'Identifier') continue
    visit(child, see)
  }
}

function isNode(value: unknown): value is Node {
  return typeof (value as { type?: unknown } | null)?.type === 'string'
}

function importedBy(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return literal(node.source)
    case 'TsImportType':
      return literal(node.argument)
    case 'TsExternalModuleReference':
      return literal(node.expression)
    case 'CallExpression': {
      const callee = node.callee as Node
      const isImport = callee.type === 'Import' || nameOf(callee) === 'require'
      return isImport
        ? literal((node.arguments as { expression: unknown }[])[0]?.expression)
        : undefined
    }
    default:
      return undefined
  }
}

function isTypeOnly(node: Node): boolean {
  if (node.type === 'TsImportType' || node.typeOnly === true) return true
  const specifiers = (node.specifiers ?? []) as { isTypeOnly?: boolean }[]
  return specifiers.length > 0 && specifiers.every((each) => each.isTypeOnly === true)
}

function ambientTimeOf(node: Node): string | undefined {
  if (node.type === 'Identifier' && TIME_GLOBALS.includes(node.value as string))
    return node.value as string
  if (node.type === 'NewExpression' && nameOf(node.callee) === 'Date') {
    return (node.arguments as unknown[] | undefined)?.length ? undefined : 'new Date()'
  }
  if (node.type !== 'MemberExpression') return undefined
  const [owner, member] = [nameOf(node.object), nameOf(node.property)]
  if (owner === 'globalThis' || owner === 'global')
    return TIME_GLOBALS.find((name) => name === member)
  return TIME_MEMBERS.find((name) => name === `${owner}.${member}`)
}

function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Identifier' ? (value.value as string) : undefined
}

function literal(value: unknown): string | undefined {
  return isNode(value) && value.type === 'StringLiteral' ? (value.value as string) : undefined
}
