// Bundles the package in the current folder into dist/bundle.js, so that a program loads three files instead of a hundred,
// and what no program needs for its first answer into dist/deferred.js, which the bundle loads at its first use. Each entry
// of its exports is a list of names of the bundle, which exists once. Types are tsc's.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { build } from 'esbuild'
import { minify } from 'terser'
import { Deferral } from './bundle/deferral.mjs'
import { DEFERRED } from './bundle/deferred-modules.mjs'

const SETTINGS = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  packages: 'external',
  logLevel: 'warning',
  // What a bundle exports is set by hand.
  logOverride: { 'commonjs-variable-in-esm': 'silent' },
}
/**
 * Without comments and indentation, which V8 would read at every start of a program: one letter outside of Latin-1 in a
 * comment is enough for it to keep, and scan, two bytes for each.
 */
const SHORT = { charset: 'ascii', minifySyntax: true }
/** Variables have short names, for the same reason. Functions and classes keep theirs, for stacks and logs to be read. */
const SHORTER = { toplevel: true, keep_classnames: true, keep_fnames: true }
/** A line that has failed is shown whole by Node. */
const LINES = { max_line_len: 120 }
/** Stands for `#` while names are made short, as terser would give what is private short ones too. No bundle has it. */
const PRIVATE = '\u00d8'
const folder = process.cwd()
const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const entries = Object.values(exports)
  .map((entry) => /^\.\/dist\/(.+)\.js$/.exec(entry.require?.default)?.[1])
  .filter((entry) => entry !== undefined)
const dist = (file) => join(folder, 'dist', file)

const names = new Map()
for (const entry of entries) names.set(entry, await namesOf(entry))
const deferral = new Deferral(join(folder, 'src'), DEFERRED[basename(folder)] ?? [], SETTINGS)
const { main, deferred, finish, isDeferred } = await deferral.split(names)
await writeBundle('bundle.js', main, finish)
if (deferred !== undefined) await writeBundle('deferred.js', deferred)
for (const entry of entries) writeEntry(entry)

async function writeBundle(name, { contents, ...settings }, finish = (code) => code) {
  const outfile = dist(name)
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(folder, 'src'), sourcefile: name, loader: 'ts' },
    ...SETTINGS,
    ...SHORT,
    ...settings,
    format: 'cjs',
    outfile,
    write: false,
    sourcemap: 'external',
    sourcesContent: false,
  })
  const [map, text] = ['.js.map', '.js'].map(
    (end) => outputFiles.find(({ path }) => path.endsWith(end)).text,
  )
  const bundled = finish(withClassNames(text))
  const short = await minify(bundled.replaceAll('#', PRIVATE), {
    ecma: 2020,
    compress: false,
    mangle: { ...SHORTER, reserved: classesIn(bundled) },
    format: LINES,
    sourceMap: { content: map, url: `${name}.map` },
  })
  writeFileSync(outfile, short.code.replaceAll(PRIVATE, '#'))
  writeFileSync(`${outfile}.map`, short.map)
}

/** Classes that have their names from variables. */
function classesIn(code) {
  return [...code.matchAll(/\b(\w+) = class\b/g)].map(([, name]) => name)
}

async function namesOf(entry) {
  const { metafile } = await build({
    entryPoints: [join(folder, 'src', `${entry}.ts`)],
    ...SETTINGS,
    format: 'esm',
    write: false,
    metafile: true,
    outfile: 'entry.js',
  })
  const [{ exports: names }] = Object.values(metafile.outputs)
  return names.sort()
}

/**
 * An entry: its names, of the bundle. Written out in a file of their own, as `import` reads through a CommonJS file for
 * names before it runs it, which takes longer than all else for the bundle itself.
 */
function writeEntry(entry) {
  const bundle = `./${relative(dirname(entry), 'bundle')}.js`
  const lines = names
    .get(entry)
    .map((name) =>
      isDeferred(name)
        ? `Object.defineProperty(exports, '${name}', { enumerable: true, get: function () { return bundle.${name}; } })`
        : `exports.${name} = bundle.${name}`,
    )
  writeFileSync(
    dist(`${entry}.js`),
    `'use strict'\nconst bundle = require('${bundle}')\n${lines.join('\n')}\n`,
  )
  writeFileSync(dist(`${entry}.mjs`), `export * from './${basename(entry)}.js'\n`)
}

/**
 * Gives classes that name themselves, which esbuild renames, their own names again: logs tell classes apart by them.
 * esbuild's `keepNames` would define the name on each class, and V8 then gives up optimising its constructor, again and
 * again: a caller who waited for a connection took 25 µs longer.
 */
function withClassNames(code) {
  const renamed = [...code.matchAll(/\b(\w+) = class _\1\b/g)].map(([, name]) => name)
  const collision = /\b(\w+\d) = class\b/.exec(code)
  if (collision !== null)
    throw new Error(
      `two classes have one name, and esbuild calls one of them ${collision[1]}: rename it`,
    )
  // A space in place of the underscore, for the source map to stay right.
  return renamed.reduce(
    (text, name) => text.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), ` ${name}`),
    code,
  )
}
