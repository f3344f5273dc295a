import { join } from 'node:path'
import { atOnce } from './at-once.mjs'
import { ROOT, run } from './run.mjs'

/** Peers that exist once for each module system, by the package of ours that imports their values. */
const TWOFOLD = {
  drizzle: ['drizzle-orm'],
  prisma: ['@prisma/adapter-pg', '@prisma/driver-adapter-utils'],
}

/**
 * Checks in a project that has our packages that `import` and `require` give the same names and the same classes of
 * errors, and that `import` loads no second copy of a peer.
 */
export async function checkOneCopy(project, names) {
  const program = join(ROOT, 'scripts', 'matrix', 'identity.mjs')
  await atOnce(names, (name) =>
    run(process.execPath, [program, name, ...(TWOFOLD[name] ?? [])], { cwd: project, quiet: true }),
  )
}
