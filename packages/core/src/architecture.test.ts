import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What packages and folders may import, and that none reads the process's own time, is held by Biome: see biome.json. */
describe('core', () => {
  /** What only one database has, or one of its libraries. */
  const NAMES =
    /timeline|\bLSN|\bWAL\b|SQLSTATE|GTID|\berrno\b|\bDISCARD ALL|\bpg_|bouncer|57P0|08007|53300|25006|40001|40P01|node-postgres|typeorm|prisma|drizzle|sequelize|mysql|mariadb|sqlite|duckdb|postgres|libpq/i
  /** Names of options that people bring from other libraries, what hides secrets, and examples for users. */
  const EXCEPTIONS = [
    // `sqlState`, under which users find the code that a driver gives an unknown outcome.
    'statement-errors.ts',
    'config/foreign-options.ts',
    'config/unknown-options.ts',
    'flow/once.ts',
    'manager/work.ts',
    'process/registry.ts',
    'secrets/clean-error.ts',
    'secrets/redact-text.ts',
  ]
  const sources = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('.test-d.ts'),
  )
  const naming = sources.filter((file) => NAMES.test(readFileSync(join(__dirname, file), 'utf8')))

  test('names nothing that only one database has', () => {
    expect(naming.filter((file) => !EXCEPTIONS.includes(file))).toEqual([])
  })

  test('needs every exception from that', () => {
    expect(EXCEPTIONS.filter((file) => !naming.includes(file))).toEqual([])
  })
})
