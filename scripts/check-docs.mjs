// Type-checks and runs every TypeScript snippet of the documents, each as a program of its own with a database of its
// own, against the packages as they are built. Beginnings of names pick pages: `npm run check:docs -- docs/guides/nest`.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { transform } from '@swc/core'
import { atOnce } from './at-once.mjs'
import { DocumentDatabases } from './document-databases.mjs'
import { exitLike, PUBLIC_PACKAGES, ROOT, run, runBin } from './run.mjs'
import { snippetsOf } from './snippets.mjs'

const TIMEOUT_MS = 120_000
const STANDARD_MODELS = `model User {
  id    Int    @id @default(autoincrement())
  email String @unique
}
`
const prismaHeader = (provider) => `generator client {
  provider     = "prisma-client"
  output       = "./generated"
  moduleFormat = "esm"
  importFileExtension = "js"
}

datasource db {
  provider = "${provider}"
}
`
/** Providers of the clients that a page has beside the one for PostgreSQL, by their folders. */
const OTHER_CLIENTS = { mariadb: 'mysql', sqlite: 'sqlite' }

const named = process.argv.slice(2)
const work = mkdtempSync(join(tmpdir(), 'connmgr-docs-'))
let databases
let failure
try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const pages = allPages().filter(
    (page) => named.length === 0 || named.some((part) => page.startsWith(part)),
  )
  symlinkSync(join(ROOT, 'node_modules'), join(work, 'node_modules'))
  const programs = (await atOnce(pages, lay)).flat()
  await atOnce([typeCheck, () => emit(programs)], (step) => step())
  databases = new DocumentDatabases(work)
  await runAll(programs.filter((each) => each.code !== undefined))
} catch (error) {
  failure = error
} finally {
  await databases?.stop()
  rmSync(work, { recursive: true, force: true })
}
if (failure !== undefined) exitLike(failure)

function allPages() {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort()
  const packages = [...PUBLIC_PACKAGES, 'testing'].map((name) => `packages/${name}/README.md`)
  return ['README.md', ...docs, ...packages]
}

/** Writes the snippets of a page into a folder of their own. */
async function lay(page) {
  const { programs, modules, schemas } = snippetsOf(join(ROOT, page))
  const folder = join(work, page.replace(/\.md$/, '').replaceAll(/[\\/]/g, '-').toLowerCase())
  const files = [
    ...modules.map(({ line, name, code }) => ({
      page,
      line,
      file: join(folder, name),
      text: code,
    })),
    ...programs.map(({ line, code, flags }) => ({
      page,
      line,
      file: join(folder, `line-${line}.ts`),
      text: code,
      code,
      flags,
    })),
  ]
  if (files.length === 0) return []
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  // Without an import or export TypeScript would take the file for a script that shares its names with all others.
  for (const { file, text } of files) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, /^(import|export) /m.test(text) ? text : `${text}\nexport {}\n`)
  }
  const models = schemas.join('\n') || STANDARD_MODELS
  const clients = []
  for (const [name, provider] of Object.entries(OTHER_CLIENTS)) {
    if (!files.some(({ text }) => text.includes(`./${name}/generated/client.js`))) continue
    clients.push(...(await generate(page, join(folder, name), prismaHeader(provider) + models)))
  }
  if (files.some(({ text }) => text.includes("'./generated/client.js'"))) {
    const whole = schemas.find((each) => each.includes('datasource '))
    clients.push(...(await generate(page, folder, whole ?? prismaHeader('postgresql') + models)))
  }
  return [...files, ...clients]
}

/** The files of the client of a schema. */
async function generate(page, folder, schema) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'schema.prisma'), schema)
  await run(process.execPath, ['scripts/prisma-generate.mjs', join(folder, 'schema.prisma')], {
    quiet: true,
  })
  return readdirSync(join(folder, 'generated'), { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ page, line: 0, file: join(folder, 'generated', name) }))
}

async function typeCheck() {
  writeFileSync(
    join(work, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        module: 'NodeNext',
        strict: true,
        noEmit: true,
        types: ['node'],
        typeRoots: [join(ROOT, 'node_modules', '@types')],
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        // The declarations of our packages are checked by check:packages, those of others are not our affair.
        skipLibCheck: true,
        lib: ['ES2023', 'ESNext.Disposable', 'DOM'],
      },
      include: ['**/*.ts'],
    }),
  )
  await runBin('tsc', ['-p', work, '--pretty', 'false'], { cwd: work, quiet: true })
}

async function emit(files) {
  for (const { file } of files) {
    const { code } = await transform(readFileSync(file, 'utf8'), {
      filename: file,
      swcrc: false,
      sourceMaps: 'inline',
      module: { type: 'es6' },
      jsc: {
        target: 'es2022',
        keepClassNames: true,
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
    })
    writeFileSync(file.replace(/\.ts$/, '.js'), code)
  }
}

async function runAll(programs) {
  const failed = []
  const started = performance.now()
  await atOnce(programs, (each) => runOne(each).catch((error) => failed.push(error)))
  for (const error of failed) console.error(`${error.message}\n`)
  if (failed.length > 0) throw new Error(`${failed.length} of ${programs.length} snippets failed`)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(`${programs.length} snippets of the documents type-check and ran in ${seconds} s`)
}

async function runOne({ page, line, file, flags }) {
  const database = relative(work, file).replace(/\.ts$/, '').replaceAll(/\W/g, '_').slice(-60)
  const env = await databases.environmentFor(database, flags)
  if (env === undefined) return
  await run(process.execPath, ['--enable-source-maps', file.replace(/\.ts$/, '.js')], {
    cwd: dirname(file),
    quiet: true,
    timeoutMs: TIMEOUT_MS,
    env: { PORT: '0', ...env },
  }).catch((error) => {
    throw new Error(`${page}:${line} failed: ${error.message}`)
  })
}
