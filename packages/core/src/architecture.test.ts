import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Import, readPackage, readSource, type SourceFile } from '../test/source-file.js'

/** What each package may import besides `node:` and itself. */
const OUR_DATABASES = ['@connmgr/core', '@connmgr/pg', '@connmgr/mysql', '@connmgr/sqlite']
const LIBRARIES = ['pg', 'mysql2', 'better-sqlite3', 'libsql']
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  pg: ['@connmgr/core', 'pg', 'pg-connection-string'],
  mysql: ['@connmgr/core', 'mysql2'],
  sqlite: ['@connmgr/core', 'better-sqlite3', 'libsql'],
  duckdb: ['@connmgr/core', '@duckdb/node-api'],
  typeorm: [...OUR_DATABASES, ...LIBRARIES, 'typeorm'],
  prisma: [
    ...OUR_DATABASES,
    ...LIBRARIES,
    '@prisma/client',
    '@prisma/adapter-mariadb',
    '@prisma/adapter-pg',
  ],
  drizzle: [...OUR_DATABASES, ...LIBRARIES, '@libsql/client', 'drizzle-orm'],
  sequelize: ['@connmgr/core', '@connmgr/pg', '@connmgr/mysql', 'pg', 'mysql2', 'sequelize'],
  winston: ['@connmgr/core', 'winston'],
}
const PACKAGES = Object.keys(MAY_IMPORT)

/** The layers of core, the lowest first. A file imports values from its own layer and those below. */
const LAYERS = [
  ['flow', 'time', 'process', 'errors', 'thrown', 'secrets', 'driver'],
  ['events'],
  ['runtime'],
  ['leaks'],
  ['pool'],
  ['health', 'cluster', 'topology'],
  ['options', 'config', 'catch-up', 'status', 'work', 'statements', 'facade'],
  ['acquiring', 'assembly', 'lifecycle', 'snapshots'],
  ['manager', 'tenants'],
  ['index', 'index.mts', 'driver-kit', 'driver-kit.mts'],
]
/** Plain shapes that lower layers may name, as types only. */
const SHAPES_FROM_ABOVE = [
  'leaks/lease-report',
  'pool/entry',
  'pool/lease',
  'pool/metrics',
  'cluster/states',
]

/** Files that make each other: a pool without a manager makes one, and every manager has pools. */
const MUTUAL: Record<string, readonly string[]> = {
  pg: ['connection-manager', 'managed-pool'],
  mysql: ['connection-manager', 'pool/managed-pool'],
  sqlite: ['client/managed-pool', 'connection-manager'],
}

describe.each(PACKAGES)('@connmgr/%s', (name) => {
  const files = readPackage(name)
  const manifest = JSON.parse(
    readFileSync(join(__dirname, '..', '..', name, 'package.json'), 'utf8'),
  )

  test('imports only what lies below it', () => {
    expect(files.length).toBeGreaterThan(1)
    const allowed = MAY_IMPORT[name] ?? []
    expect(foreignImports(files).filter((each) => !allowed.includes(each))).toEqual([])
  })

  test('declares what it imports, and no other package of ours', () => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    const imported = foreignImports(files)
    expect(imported.filter((each) => !declared.includes(each))).toEqual([])
    expect(declared.filter((each) => !(MAY_IMPORT[name] ?? []).includes(each))).toEqual([])
  })

  test('has no circle of imports', () => {
    expect(circles(files)).toEqual(MUTUAL[name] === undefined ? [] : [MUTUAL[name]])
  })

  test('takes time and chance from the clock', () => {
    const offenders = files
      .filter((file) => file.ambientTime.length > 0)
      .map((file) => `${file.name}: ${file.ambientTime.join(', ')}`)
    expect(offenders).toEqual(
      name === 'core' ? [expect.stringMatching(/^time\/clock: .*performance/)] : [],
    )
  })
})

describe('the layers of core', () => {
  const files = readPackage('core')

  test('hold every file', () => {
    expect(files.map((file) => file.name).filter((file) => layerOf(file) === -1)).toEqual([])
  })

  test('import values from their own layer and below, never from above', () => {
    expect(upward(files, (each) => !each.typeOnly)).toEqual([])
  })

  test('name nothing of a higher layer but plain shapes', () => {
    const strays = upward(files, (each) => !SHAPES_FROM_ABOVE.includes(each.from))
    expect(strays).toEqual([])
  })

  test('keep the pool free of the cluster, health and the manager', () => {
    const above = files
      .filter((file) => unitOf(file.name) === 'pool')
      .flatMap((file) => file.imports)
      .filter((each) => ['cluster', 'health', 'manager'].includes(unitOf(each.from)))
    expect([...new Set(above.map((each) => each.from))]).toEqual(['cluster/states'])
    expect(above.every((each) => each.typeOnly)).toBe(true)
  })

  test('need every exception that is listed', () => {
    const used = new Set(
      files.flatMap((file) => file.imports.filter(isAbove(file))).map((each) => each.from),
    )
    expect(SHAPES_FROM_ABOVE.filter((shape) => !used.has(shape))).toEqual([])
  })
})

describe('core', () => {
  /** What only one database has, or one of its libraries. */
  const NAMES =
    /timeline|\bLSN|\bWAL\b|SQLSTATE|GTID|\berrno\b|\bDISCARD ALL|\bpg_|bouncer|57P0|53300|25006|40001|40P01|node-postgres|typeorm|prisma|drizzle|sequelize|mysql|mariadb|sqlite|duckdb|postgres|libpq/i
  /** Names of options that people bring from other libraries, what hides secrets, and examples for users. */
  const EXCEPTIONS = [
    // The code of an unknown outcome, which the SQL standard has.
    'errors.ts',
    'config/foreign-options.ts',
    'config/unknown-options.ts',
    'flow/once.ts',
    'manager.ts',
    'process/registry.ts',
    'secrets/clean-error.ts',
    'secrets/redact-text.ts',
  ]
  const sources = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('.test-d.ts'),
  )
  const naming = sources.filter((file) => NAMES.test(readFileSync(join(__dirname, file), 'utf8')))

  test('names nothing that only one database has', () => {
    expect(naming.filter((file) => !EXCEPTIONS.includes(file))).toEqual([])
  })

  test('needs every exception from that', () => {
    expect(EXCEPTIONS.filter((file) => !naming.includes(file))).toEqual([])
  })
})

describe('reading a file', () => {
  const importsOf = (code: string) => readSource('pool/pool.ts', code).imports
  const timeOf = (code: string) => readSource('pool/pool.ts', code).ambientTime

  test.each([
    [`import { a } from '../cluster/elect.js'`, 'cluster/elect', false],
    [`import { type A, b } from '../cluster/elect.js'`, 'cluster/elect', false],
    [`import '../cluster/elect.js'`, 'cluster/elect', false],
    [`export { a } from '../cluster/elect.js'`, 'cluster/elect', false],
    [`export * from '../cluster/elect.js'`, 'cluster/elect', false],
    [`const a = require('../cluster/elect.js')`, 'cluster/elect', false],
    [`const a = await import('../cluster/elect.js')`, 'cluster/elect', false],
    [`import a = require('../cluster/elect.js')`, 'cluster/elect', false],
    [`import type { A } from '../cluster/elect.js'`, 'cluster/elect', true],
    [`import { type A } from '../cluster/elect.js'`, 'cluster/elect', true],
    [`let a: import('../cluster/elect.js').A`, 'cluster/elect', true],
    [`import { a } from './entry.js'`, 'pool/entry', false],
    [`import { a } from 'pg'`, 'pg', false],
  ])('sees %s', (code, from, typeOnly) => {
    expect(importsOf(code)).toEqual([expect.objectContaining({ from, typeOnly })])
  })

  test.each([
    'Date.now()',
    'new Date()',
    'Math.random()',
    'performance.now()',
    'setTimeout(f, 1)',
    'globalThis.setTimeout(f, 1)',
    'const wait = promisify(setTimeout)',
    'const clock = { setTimeout }',
    'process.hrtime.bigint()',
    'AbortSignal.timeout(1)',
    `import { setTimeout as wait } from 'node:timers/promises'`,
    `import { monitorEventLoopDelay } from 'node:perf_hooks'`,
  ])('sees the ambient time in %s', (code) => {
    expect(timeOf(code)).not.toEqual([])
  })

  test.each([
    'clock.setTimeout(f, 1)',
    'class A { setTimeout() { return this.performance } }',
    'const clock = { setTimeout: f, now: () => 1 }',
    'new Date(clock.wallTime())',
    'socket.setTimeout(1, f)',
    'interface Clock { setTimeout(f: () => void): void }',
    `import type { PerformanceEntry } from 'node:perf_hooks'`,
  ])('sees none in %s', (code) => {
    expect(timeOf(code)).toEqual([])
  })

  test('finds a circle', () => {
    const a = readSource('a.ts', `import { b } from './b.js'`)
    const b = readSource('b.ts', `import { c } from './c.js'`)
    const c = readSource('c.ts', `import { a } from './a.js'`)
    const d = readSource('d.ts', `import type { e } from './e.js'`)
    const e = readSource('e.ts', `import { d } from './d.js'\nimport { a } from './a.js'`)
    expect(circles([a, b, c, d, e])).toEqual([['a', 'b', 'c']])
  })
})

/** Packages that the files import, by their names alone. */
function foreignImports(files: readonly SourceFile[]): string[] {
  const specifiers = files
    .flatMap((file) => file.imports)
    .filter((each) => !each.local && !each.from.startsWith('node:'))
    .map((each) => /^(?:@[^/]+\/)?[^/]+/.exec(each.from)?.[0] ?? each.from)
  return [...new Set(specifiers)].sort()
}

/** Groups of files that reach each other through imports of values. */
function circles(files: readonly SourceFile[]): string[][] {
  const next = new Map(
    files.map((file) => [
      file.name,
      file.imports.filter((each) => each.local && !each.typeOnly).map((each) => each.from),
    ]),
  )
  const reached = new Map(files.map((file) => [file.name, reach(file.name, next)]))
  const groups = files
    .filter((file) => reached.get(file.name)?.has(file.name))
    .map(({ name }) =>
      [...(reached.get(name) ?? [])].filter((other) => reached.get(other)?.has(name)).sort(),
    )
  return [...new Map(groups.map((group) => [group.join(), group])).values()]
}

function reach(from: string, next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>()
  const open = [...(next.get(from) ?? [])]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue
    found.add(name)
    open.push(...(next.get(name) ?? []))
  }
  return found
}

/** The folder of a file, or the file itself if it is in none. */
function unitOf(name: string): string {
  return name.split('/')[0] ?? name
}

function layerOf(name: string): number {
  return LAYERS.findIndex((layer) => layer.includes(unitOf(name)))
}

function isAbove(file: SourceFile): (each: Import) => boolean {
  return (each) => each.local && layerOf(each.from) > layerOf(file.name)
}

function upward(files: readonly SourceFile[], counts: (each: Import) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports
      .filter((each) => isAbove(file)(each) && counts(each))
      .map((each) => `${file.name} → ${each.from}`),
  )
}
