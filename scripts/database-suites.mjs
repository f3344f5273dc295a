const LIBRARIES = 'test/pools-under-libraries.test.ts'

export const DATABASES = ['PostgreSQL', 'MySQL', 'MariaDB', 'SQLite', 'DuckDB']

/** One file runs on both products; their names stand before those of its tests. */
const onBoth = (file, tests = '') => ({
  MySQL: { file, tests: `MySQL: ${tests}` },
  MariaDB: { file, tests: `MariaDB: ${tests}` },
})

/** The suite of each library on each database: a file, or one with the beginning of the names of its tests. */
export const SUITES = {
  'the driver itself': {
    PostgreSQL: { file: 'packages/pg/src/driver.test.ts' },
    ...onBoth('packages/mysql/src/driver.test.ts'),
    SQLite: { file: 'packages/sqlite/src/conformance.test.ts' },
    DuckDB: { file: 'packages/duckdb/src/conformance.test.ts' },
  },
  TypeORM: {
    PostgreSQL: { file: 'packages/typeorm/src/postgres/conformance.test.ts' },
    ...onBoth('packages/typeorm/src/mysql/conformance.test.ts'),
    SQLite: { file: 'packages/typeorm/src/sqlite/conformance.test.ts' },
  },
  Prisma: {
    PostgreSQL: { file: 'packages/prisma/src/conformance-pg.test.ts' },
    ...onBoth('packages/prisma/src/conformance-mariadb.test.ts'),
    SQLite: { file: 'packages/prisma/src/conformance-sqlite.test.ts' },
  },
  Drizzle: {
    PostgreSQL: { file: 'packages/drizzle/src/conformance.test.ts' },
    ...onBoth('packages/drizzle/src/mysql/conformance.test.ts'),
    SQLite: { file: 'packages/drizzle/src/sqlite/conformance.test.ts' },
  },
  Sequelize: {
    PostgreSQL: { file: 'packages/sequelize/src/postgres.test.ts' },
    ...onBoth('packages/sequelize/src/mysql.test.ts'),
  },
  Kysely: {
    PostgreSQL: { file: LIBRARIES, tests: 'Kysely on manager.pool of PostgreSQL' },
    ...onBoth(LIBRARIES, 'Kysely on manager.pool'),
    SQLite: { file: LIBRARIES, tests: 'Kysely on a manager of ' },
  },
  Knex: {
    PostgreSQL: { file: LIBRARIES, tests: 'Knex on manager.pool of PostgreSQL' },
    ...onBoth(LIBRARIES, 'Knex on manager.pool'),
  },
  MikroORM: {
    PostgreSQL: { file: LIBRARIES, tests: 'MikroORM on manager.pool of PostgreSQL' },
    ...onBoth(LIBRARIES, 'MikroORM on manager.pool'),
  },
}

const BEGIN = '<!-- databases: written by scripts/database-matrix.mjs -->'
const END = '<!-- databases: end -->'

/** @param {(orm: string, database: string) => number} countOf tests that passed */
export function tableOf(countOf) {
  const rows = Object.entries(SUITES).map(([orm, databases]) => [
    orm,
    ...DATABASES.map((database) =>
      databases[database] === undefined ? '–' : `${countOf(orm, database)} tests`,
    ),
  ])
  const lines = [['', ...DATABASES], ...rows]
  const widths = lines[0].map((_, column) =>
    Math.max(3, ...lines.map((line) => line[column].length)),
  )
  const show = (cells) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  const [head, ...body] = lines
  return [show(head), show(widths.map((width) => '-'.repeat(width))), ...body.map(show)].join('\n')
}

/** The page with this table in the place of the one that it has. */
export function withTable(page, table) {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the page lacks ${BEGIN} or ${END}`)
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`
}
