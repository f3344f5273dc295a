// Builds the package in the current folder a second time, as ES modules in dist/esm. For packages that import values of
// an ORM which itself exists once for each module system: what `import` reaches must use the copy that `import` reaches.
// All other packages have one code, and wrap it for `import`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitLike, runBin } from './run.mjs'

const folder = process.cwd()
await runBin('tsc', ['-p', 'tsconfig.esm.json'], { cwd: folder }).catch(exitLike)
writeFileSync(
  join(folder, 'dist', 'esm', 'package.json'),
  `${JSON.stringify({ type: 'module', sideEffects: false }, null, 2)}\n`,
)

// What is loaded only if it is needed is loaded by `require`, which ES modules have to make for themselves.
const MAKE_REQUIRE =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
for (const name of readdirSync(join(folder, 'dist', 'esm'), { recursive: true })) {
  const file = join(folder, 'dist', 'esm', name)
  if (!file.endsWith('.js')) continue
  const code = readFileSync(file, 'utf8')
  // On the first line, so that source maps go on to be right.
  if (/\brequire\(/.test(code)) writeFileSync(file, `${MAKE_REQUIRE}${code}`)
}
