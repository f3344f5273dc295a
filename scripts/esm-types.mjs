// Gives the package in the current folder declarations of its own for `import`, beside those for `require`. The code
// stays one: only the types differ, for packages whose peers declare their classes twice, once for each module system.
// TypeScript holds such classes for different ones, and reads a `.d.ts` of ours always as `require` would.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const RELATIVE_IMPORT = /((?:from|import\()\s*['"]\.{1,2}\/[^'"]+)\.js(['"])/g

const dist = join(process.cwd(), 'dist')
for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.d.ts')) continue
  const declarations = readFileSync(join(dist, file), 'utf8')
  writeFileSync(
    join(dist, file.replace(/\.d\.ts$/, '.d.mts')),
    declarations.replace(RELATIVE_IMPORT, '$1.mjs$2'),
  )
}
