// Proves that the packages are what a user needs: packs them, lints the tarballs, installs them into a CommonJS and an
// ESM project, and there type-checks and runs the examples of every README against an embedded server.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { atOnce } from './at-once.mjs'
import { DocumentDatabases } from './document-databases.mjs'
import { checkOneCopy } from './one-copy.mjs'
import { packPackages } from './pack.mjs'
import { exitLike, PUBLIC_PACKAGES, ROOT, run, runBin, runNpm } from './run.mjs'

const require = createRequire(join(ROOT, 'package.json'))
const versions = require('./package.json').devDependencies
const PEERS = [
  'pg',
  'mysql2',
  'libsql',
  '@duckdb/node-api',
  'typeorm',
  'drizzle-orm',
  '@prisma/client',
  '@prisma/adapter-pg',
  'sequelize',
  'winston',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/terminus',
  'reflect-metadata',
  'rxjs',
  '@opentelemetry/api',
]
const TYPES = ['@types/pg', '@types/node']
const EXAMPLE = /```ts runnable *(.*)\n([\s\S]*?)```/g
/** Packages whose examples run on a database of their own; of the others those run that take PostgreSQL. */
const ON_THEIR_OWN = new Set(['mysql', 'sqlite', 'duckdb'])
const FORMATS = { cjs: 'cts', esm: 'mts' }
const PRISMA_SCHEMA = (format) => `generator client {
  provider     = "prisma-client"
  output       = "./generated"
  moduleFormat = "${format}"
}

datasource db {
  provider = "postgresql"
}

model User {
  id    Int    @id @default(autoincrement())
  email String @unique
}
`

const work = mkdtempSync(join(tmpdir(), 'connmgr-packages-'))
const step = (text) => console.log(`- ${text}`)
let databases
let failure
try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const tarballs = await packPackages(work, step)
  await lint(tarballs)
  databases = new DocumentDatabases(work)
  await atOnce(Object.keys(FORMATS), (format) => checkProject(format, tarballs))
  console.log(
    `${PUBLIC_PACKAGES.length} packages pack, install, type-check and run as CommonJS and as ESM`,
  )
} catch (error) {
  failure = error
} finally {
  await databases?.stop()
  rmSync(work, { recursive: true, force: true })
}
if (failure !== undefined) exitLike(failure)

async function lint(tarballs) {
  await atOnce(PUBLIC_PACKAGES, async (name) => {
    await runBin('publint', ['run', tarballs[name], '--strict'], { quiet: true })
    await runBin('attw', [tarballs[name], '--profile', 'node16', '--no-emoji', '--no-color'], {
      quiet: true,
    })
  })
  step('publint and arethetypeswrong have no complaints')
}

async function checkProject(format, tarballs) {
  const project = join(work, format)
  mkdirSync(project)
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({
      name: `user-of-connmgr-${format}`,
      private: true,
      type: format === 'esm' ? 'module' : 'commonjs',
      dependencies: {
        ...Object.fromEntries(
          PUBLIC_PACKAGES.map((name) => [`@connmgr/${name}`, `file:${tarballs[name]}`]),
        ),
        ...Object.fromEntries([...PEERS, ...TYPES].map((name) => [name, versions[name]])),
      },
      allowScripts: { '@prisma/engines': false, prisma: false },
    }),
  )
  await runNpm(
    [
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--loglevel=error',
    ],
    {
      cwd: project,
      quiet: true,
      timeoutMs: 300_000,
    },
  )
  writeFileSync(join(project, 'schema.prisma'), PRISMA_SCHEMA(format))
  await run(process.execPath, ['scripts/prisma-generate.mjs', join(project, 'schema.prisma')], {
    quiet: true,
  })
  await checkOneCopy(project, PUBLIC_PACKAGES)
  step(`${format}: one copy for import and require`)
  await checkFirstAnswers(format, project)
  await checkLeftOpenInJest(format, project)
  await run(join(project, 'node_modules', '.bin', 'connmgr'), ['--version'], {
    cwd: project,
    quiet: true,
  })
  step(`${format}: the command line runs as it is installed`)
  const examples = writeExamples(format, project)
  await typeCheck(project)
  for (const example of examples) await runExample(format, project, example)
  step(`${format}: ${examples.length} README examples type-check and run`)
}

async function checkFirstAnswers(format, project) {
  const how = format === 'esm' ? 'import' : 'require'
  await run(process.execPath, [join(ROOT, 'scripts', 'bundle', 'first-answers.mjs'), how], {
    cwd: project,
    quiet: true,
    timeoutMs: 60_000,
    env: await databases.environmentFor(`first_answers_${format}`, new Set()),
  })
  step(`${format}: the first answers of a program load nothing that can wait`)
}

async function checkLeftOpenInJest(format, project) {
  await run(process.execPath, [join(ROOT, 'scripts', 'bundle', 'left-open-in-jest.mjs')], {
    cwd: project,
    quiet: true,
    timeoutMs: 90_000,
    env: await databases.environmentFor(`left_open_${format}`, new Set()),
  })
  step(`${format}: a pool that a test file of Jest leaves open fails no test`)
}

function writeExamples(format, project) {
  const examples = []
  for (const name of PUBLIC_PACKAGES) {
    const readme = `packages/${name}/README.md`
    const found = [...readFileSync(join(ROOT, readme), 'utf8').matchAll(EXAMPLE)].filter(
      ([, flags]) => flags === '' || ON_THEIR_OWN.has(name),
    )
    assert(found.length > 0, `${readme} has no example in a fence "ts runnable"`)
    found.forEach(([, flags, code], index) => {
      const example = `example-${name}-${index + 1}`
      writeFileSync(join(project, `${example}.${FORMATS[format]}`), code)
      examples.push({ example, flags: new Set(flags.split(' ')) })
    })
  }
  return examples
}

async function typeCheck(project) {
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        module: 'NodeNext',
        strict: true,
        noEmit: true,
        types: ['node'],
        experimentalDecorators: true,
        // Our declarations are checked too; those of other packages, which this brings along, are not our affair.
        skipLibCheck: false,
        lib: ['ES2023', 'ESNext.Disposable', 'DOM'],
      },
      include: ['example-*.cts', 'example-*.mts'],
    }),
  )
  const complaints = await runBin('tsc', ['-p', project, '--pretty', 'false'], {
    cwd: project,
    quiet: true,
  }).then(
    () => [],
    (error) => error.message.split('\n').filter((line) => /error TS/.test(line)),
  )
  const ours = complaints.filter((line) => !/^node_modules\/(?!@connmgr\/)/.test(line))
  assert.deepEqual(ours, [], 'the README examples do not type-check')
}

async function runExample(format, project, { example, flags }) {
  const file = join(project, `${example}.${format === 'esm' ? 'mjs' : 'cjs'}`)
  await build({
    entryPoints: [join(project, `${example}.${FORMATS[format]}`)],
    outfile: file,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format,
    target: 'node20',
    logLevel: 'error',
  })
  const database = `${example}_${format}`.replaceAll('-', '_')
  const env = await databases.environmentFor(database, flags)
  if (env === undefined) return
  await run(process.execPath, [file], {
    cwd: project,
    quiet: true,
    timeoutMs: 60_000,
    env,
  }).catch((error) => {
    throw new Error(`${example} (${format}) failed: ${error.message}`)
  })
}
