// One project per column: the packed packages beside the versions of the column, and the programs that try them, once
// as CommonJS and once as ES modules.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { ROOT, run, runNpm } from '../run.mjs'

export const FORMATS = ['cjs', 'esm']

const PROGRAMS = join(ROOT, 'scripts', 'matrix', 'programs')
/** What is needed of ours for each peer. */
const OURS = {
  typeorm: ['typeorm'],
  'drizzle-orm': ['drizzle'],
  prisma: ['prisma'],
  '@nestjs/core': ['health', 'nestjs'],
  'prom-client': ['metrics', 'prometheus'],
}
/** The client of either generator, under the name that its program imports. */
const GENERATORS = { 'prisma-ts': 'prisma-client', 'prisma-js': 'prisma-client-js' }

/** Installs the packages of a column as a user would, so that peers that do not fit fail here. */
export async function install(folder, column, tarballs) {
  mkdirSync(folder, { recursive: true })
  const ours = [
    'core',
    'pg',
    // Adapters depend on the packages of every database.
    'mysql',
    'sqlite',
    ...Object.keys(OURS).flatMap((peer) => (column.packages[peer] ? OURS[peer] : [])),
  ]
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({
      private: true,
      dependencies: {
        ...column.packages,
        ...Object.fromEntries(ours.map((name) => [`@connmgr/${name}`, `file:${tarballs[name]}`])),
      },
      allowScripts: { '@prisma/engines': false, '@prisma/client': false, prisma: false },
    }),
  )
  const flags = [
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--strict-peer-deps',
  ]
  await runNpm(['install', ...flags, '--loglevel=error'], {
    cwd: folder,
    quiet: true,
    timeoutMs: 300_000,
  })
  for (const format of FORMATS) await prepare(folder, column, format)
}

async function prepare(folder, column, format) {
  const project = join(folder, format)
  mkdirSync(project)
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ private: true, type: format === 'esm' ? 'module' : 'commonjs' }),
  )
  copyFileSync(join(PROGRAMS, 'expect.ts'), join(project, 'expect.ts'))
  for (const program of column.programs) {
    if (GENERATORS[program] === undefined) {
      copyFileSync(join(PROGRAMS, `${program}.ts`), join(project, `${program}.ts`))
      continue
    }
    const parts = program === 'prisma-ts' ? ['prisma', 'prisma-extensions'] : ['prisma']
    for (const part of parts) {
      const text = readFileSync(join(PROGRAMS, `${part}.ts`), 'utf8')
      writeFileSync(
        join(project, `${part.replace('prisma', program)}.ts`),
        text.replace('./generated/', `./generated-${program}/`),
      )
    }
    await generateClient(folder, project, column, program, format)
  }
}

async function generateClient(folder, project, column, program, format) {
  const isOld = column.packages.prisma.startsWith('6.')
  const generator = GENERATORS[program]
  const schema = join(project, `${program}.prisma`)
  const settings = {
    provider: generator,
    output: `./generated-${program}`,
    ...(generator === 'prisma-client' ? { moduleFormat: format } : {}),
    // What Prisma 7 always does: no engine but a driver adapter.
    ...(isOld ? { engineType: 'client' } : {}),
  }
  writeFileSync(
    schema,
    [
      block('generator client', settings),
      `datasource db {\n  provider = "postgresql"\n${isOld ? '  url = env("DATABASE_URL")\n' : ''}}`,
      'model User {\n  id Int @id @default(autoincrement())\n  email String @unique\n}',
    ].join('\n'),
  )
  // Generating needs none of the engines that Prisma would download, so Node itself stands in.
  await run(
    process.execPath,
    [join(folder, 'node_modules/prisma/build/index.js'), 'generate', '--schema', schema],
    {
      cwd: folder,
      quiet: true,
      env: {
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PRISMA_QUERY_ENGINE_LIBRARY: process.execPath,
        CHECKPOINT_DISABLE: '1',
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
      },
    },
  )
}

function block(head, settings) {
  const lines = Object.entries(settings).map(([name, value]) => `  ${name} = "${value}"`)
  return `${head} {\n${lines.join('\n')}\n}`
}

/**
 * Checks the types of the programs; `compiler` is the folder of a TypeScript. With `node16` those of both formats, as
 * each follows from its package.json; a bundler knows ES modules alone. `module` is Node's way that is meant by `node16`.
 */
export async function checkTypes(folder, resolution, compiler, module = 'Node16') {
  const config = join(folder, `tsconfig.${resolution}.json`)
  const formats = resolution === 'bundler' ? ['esm'] : FORMATS
  writeFileSync(
    config,
    JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        module: resolution === 'bundler' ? 'ESNext' : module,
        moduleResolution: resolution === 'bundler' ? resolution : module,
        strict: true,
        noEmit: true,
        esModuleInterop: true,
        experimentalDecorators: true,
        types: ['node'],
        skipLibCheck: false,
      },
      include: formats.map((format) => `${format}/*.ts`),
    }),
  )
  const { bin } = JSON.parse(readFileSync(join(compiler, 'package.json'), 'utf8'))
  const output = await run(
    process.execPath,
    [join(compiler, bin.tsc), '-p', config, '--pretty', 'false'],
    {
      cwd: folder,
      quiet: true,
      timeoutMs: 600_000,
    },
  ).catch((error) => {
    if (/error TS\d/.test(error.message)) return error.message
    throw error
  })
  // Declarations of other packages, which skipLibCheck: false brings along, are not our affair.
  const complaints = output.split('\n').filter((line) => /error TS/.test(line) && !isForeign(line))
  if (complaints.length > 0) throw new Error(complaints.slice(0, 10).join('\n'))
}

function isForeign(line) {
  return /(^|\/)node_modules\/(?!@connmgr\/)/.test(line) || /\/generated-prisma-[a-z]+\//.test(line)
}

/** Makes a program one file that Node can run. */
export async function bundle(folder, format, program) {
  const project = join(folder, format)
  const file = join(project, `${program}.${format === 'esm' ? 'mjs' : 'cjs'}`)
  await build({
    entryPoints: [join(project, `${program}.ts`)],
    outfile: file,
    bundle: true,
    packages: 'external',
    // Finds its files by its own place.
    external: ['./generated-prisma-js/*'],
    platform: 'node',
    format,
    target: 'node20',
    // Without metadata of types, which no package of ours needs.
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    keepNames: true,
    logLevel: 'error',
  })
  return file
}
