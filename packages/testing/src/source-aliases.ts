import path from 'node:path'

const PACKAGES = path.join(__dirname, '..', '..')

/** Where a bundler finds packages of ours by their names: in their sources, which need not be built. */
export function sourceAliases(...names: readonly string[]): Record<string, string> {
  const source = (name: string, file: string): string => path.join(PACKAGES, name, 'src', file)
  return {
    '@connmgr/core/driver': source('core', 'driver-kit.ts'),
    ...Object.fromEntries(names.map((name) => [`@connmgr/${name}`, source(name, 'index.ts')])),
  }
}
