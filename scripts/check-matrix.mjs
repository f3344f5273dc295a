// Proves the versions that the packages say they work with: packs them, and for each column of versions installs the
// tarballs, checks the types of programs that use them with the oldest and the newest TypeScript, and runs the programs
// on an embedded server, as CommonJS and as ES modules, on every supported Node.
//
//   npm run check:matrix -- --only newest,oldest     some columns
//   npm run check:matrix -- --quick                  the ends of each range alone
//   npm run check:matrix -- --bail                   ends with the first failure
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readArguments } from './arguments.mjs'
import { atOnce } from './at-once.mjs'
import { COLUMNS, MIDDLE, NODES, TYPESCRIPTS } from './matrix/columns.mjs'
import { bundle, checkTypes, FORMATS, install } from './matrix/project.mjs'
import { checkOneCopy } from './one-copy.mjs'
import { packPackages } from './pack.mjs'
import { exitLike, ROOT, run, runNpm } from './run.mjs'

const names = COLUMNS.map(({ name }) => name)
const { only, quick, bail } = readArguments(
  {
    only: {
      check: (value) => value.split(',').every((name) => names.includes(name)),
      wants: `names of columns, separated by commas, of ${names.join(', ')}`,
    },
    quick: { type: 'boolean' },
    bail: { type: 'boolean' },
  },
  `npm run check:matrix -- --only ${names[0]},${names.at(-1)} --quick`,
)
const require = createRequire(join(ROOT, 'package.json'))
const work = mkdtempSync(join(tmpdir(), 'connmgr-matrix-'))
const results = []
let cluster
let databases = 0
let failure
try {
  await main()
} catch (error) {
  failure = error
} finally {
  await cluster?.stop()
  rmSync(work, { recursive: true, force: true })
}
printTable()
if (failure !== undefined) exitLike(failure)
if (results.some(({ error }) => error !== undefined)) process.exit(1)

async function main() {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const preparations = [() => packPackages(work), installCompilers, findNodes]
  const [tarballs, compilers, nodes] = await atOnce(preparations, (prepare) => prepare())
  const { startCluster } = require('@connmgr/testing')
  cluster = await startCluster()
  await atOnce(longestFirst(columns()), async (column) => {
    console.log(`${column.name}: ${column.note}\n  ${describe(column)}`)
    const folder = join(work, column.name)
    const installed = await attempt(column, 'install', () => install(folder, column, tarballs))
    if (!installed) return
    await checkColumn(column, folder, compilers, nodes)
    rmSync(folder, { recursive: true, force: true })
  })
}

/** So that in the end no long column runs alone. */
function longestFirst(unsorted) {
  return [...unsorted].sort((a, b) => b.programs.length - a.programs.length)
}

function columns() {
  if (only !== undefined) return COLUMNS.filter(({ name }) => only.split(',').includes(name))
  return quick ? COLUMNS.filter(({ name }) => !MIDDLE.includes(name)) : COLUMNS
}

async function checkColumn(column, folder, compilers, nodes) {
  await attempt(column, 'one copy', () => checkIdentity(folder))
  for (const [version, compiler] of Object.entries(compilers)) {
    if (column.typescripts?.includes(version) === false) continue
    await attempt(column, `types ${version}`, () => checkAllTypes(folder, compiler, column.module))
  }
  const [own, ...others] = nodes
  const isEnd = !MIDDLE.includes(column.name)
  for (const node of isEnd ? [own, ...others] : [own]) {
    for (const program of column.programs) {
      // One real failover per column is enough for all versions of Node.
      if (program === 'failover' && node !== own) continue
      await attempt(column, `${program} on ${node.version}`, () =>
        runProgram(folder, program, node),
      )
    }
  }
}

async function checkAllTypes(folder, compiler, module) {
  await checkTypes(folder, 'node16', compiler, module)
  await checkTypes(folder, 'bundler', compiler)
}

async function checkIdentity(folder) {
  const { dependencies } = require(join(folder, 'package.json'))
  const ours = Object.keys(dependencies).filter((name) => name.startsWith('@connmgr/'))
  await checkOneCopy(
    folder,
    ours.map((name) => name.slice('@connmgr/'.length)),
  )
}

async function runProgram(folder, program, node) {
  for (const format of FORMATS) {
    const file = await bundle(folder, format, program)
    const env = program === 'failover' ? undefined : await freshDatabase()
    if (env !== undefined) await runFile(node, file, env)
    else await withStandby((env) => runFile(node, file, env))
  }
}

async function runFile(node, file, env) {
  await run(node.path, [file], { cwd: join(file, '..'), quiet: true, timeoutMs: 120_000, env })
}

async function freshDatabase() {
  databases += 1
  const database = `matrix_${databases}`
  await cluster.primary.query(`create database ${database}`)
  return { DATABASE_URL: cluster.primary.url({ database }) }
}

/** A failover leaves two servers that can be written to, so it has a cluster of its own. */
async function withStandby(work) {
  const { startCluster } = require('@connmgr/testing')
  const pair = await startCluster({ standbys: 1 })
  try {
    await work({ DATABASE_URL: pair.primary.url(), STANDBY_URL: pair.standbys[0].url() })
  } finally {
    await pair.stop()
  }
}

async function installCompilers() {
  const folder = join(work, 'typescripts')
  const wanted = Object.entries(TYPESCRIPTS).filter(([version]) => !quick || version !== '5.9')
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({
      private: true,
      dependencies: Object.fromEntries(
        wanted.map(([version, exact]) => [`ts${version}`, `npm:typescript@${exact}`]),
      ),
    }),
  )
  await runNpm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    quiet: true,
    timeoutMs: 300_000,
  })
  return Object.fromEntries(
    wanted.map(([version]) => [version, join(folder, 'node_modules', `ts${version}`)]),
  )
}

/** The Node that runs this comes first. */
async function findNodes() {
  const own = { version: `node ${process.versions.node}`, path: process.execPath }
  const others = NODES.filter((major) => !process.versions.node.startsWith(`${major}.`))
  const found = []
  for (const major of quick ? others.slice(-1) : others) found.push(await findNode(major))
  return [own, ...found]
}

async function findNode(major) {
  const script = 'process.stdout.write(JSON.stringify([process.execPath, process.versions.node]))'
  const output = await runNpm(
    ['exec', '--yes', `--package=node@${major}`, '--', 'node', '-e', script],
    { cwd: work, quiet: true, timeoutMs: 300_000 },
  )
  const [path, version] = JSON.parse(output)
  return { version: `node ${version}`, path }
}

/** Runs one check, notes how it has ended, and says whether it has passed. */
async function attempt(column, check, work) {
  if (bail && results.some(({ error }) => error !== undefined))
    throw new Error(`"${check}" of the column "${column.name}" is left out after a failure`)
  const started = performance.now()
  const result = { column: column.name, check }
  try {
    await work()
  } catch (error) {
    result.error = error
  }
  result.seconds = (performance.now() - started) / 1000
  results.push(result)
  const verdict = result.error === undefined ? 'ok' : 'FAILED'
  console.log(
    `${column.name.padEnd(12)}  ${verdict.padEnd(6)} ${check} (${result.seconds.toFixed(1)} s)`,
  )
  if (result.error !== undefined) {
    console.error(
      result.error.message.split('\n').slice(0, 30).join('\n').replace(/^/gm, '         '),
    )
    if (bail) throw new Error(`"${check}" of the column "${column.name}" has failed`)
  }
  return result.error === undefined
}

function describe({ packages }) {
  return Object.entries(packages)
    .filter(([name]) => !name.startsWith('@types/') && name !== '@prisma/client')
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}

function printTable() {
  if (results.length === 0) return
  const width = Math.max(...results.map(({ check }) => check.length))
  const shown = [...new Set(results.map(({ column }) => column))]
  console.log(
    `\n${['', ...shown].map((each, index) => each.padEnd(index === 0 ? width : 12)).join('  ')}`,
  )
  for (const check of new Set(results.map((result) => result.check))) {
    const cells = shown.map((column) => {
      const result = results.find((each) => each.column === column && each.check === check)
      if (result === undefined) return '-'
      return result.error === undefined ? 'ok' : 'FAILED'
    })
    console.log([check.padEnd(width), ...cells.map((cell) => cell.padEnd(12))].join('  ').trimEnd())
  }
  const failed = results.filter(({ error }) => error !== undefined).length
  console.log(`\n${results.length - failed} passed, ${failed} failed`)
}
