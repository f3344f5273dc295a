// Builds the package in the current folder a second time, as ES modules in dist/esm. For packages that import values of
// an ORM which itself exists once for each module system: what `import` reaches must use the copy that `import` reaches.
// All other packages have one code, and wrap it for `import`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitLike, runBin } from './run.mjs'

const folder = process.cwd()
await runBin('tsc', ['-p', 'tsconfig.esm.json'], { cwd: folder }).catch(exitLike)
writeFileSync(
  join(folder, 'dist', 'esm', 'package.json'),
  `${JSON.stringify({ type: 'module', sideEffects: false }, null, 2)}\n`,
)
