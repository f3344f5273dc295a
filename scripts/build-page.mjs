// Bundles the page of the package in the current folder for browsers: one script, one style sheet, nothing from elsewhere.
import { join } from 'node:path'
import { build } from 'esbuild'

const folder = process.cwd()
await build({
  entryPoints: { page: join(folder, 'page', 'main.tsx') },
  bundle: true,
  minify: true,
  platform: 'browser',
  target: ['chrome123', 'firefox120', 'safari17.5'],
  format: 'iife',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  outdir: join(folder, 'dist', 'page'),
  entryNames: '[name]',
  logLevel: 'warning',
})
