import { MARIADB } from './mariadb.js'
import { MYSQL } from './mysql.js'
import { type MysqlCluster, type MysqlOptions, startServers } from './mysql-cluster.js'
import type { MysqlProduct } from './product.js'

/** What tests that run on both products get of one of them. */
export interface MysqlLab {
  readonly product: MysqlProduct
  start(options?: MysqlOptions): Promise<MysqlCluster>
}

const warned = new Set<string>()

/**
 * A `describe` for tests that start MariaDB. Where MariaDB is not installed its tests are skipped, which their names
 * and a line on stderr say.
 *
 * It throws instead if MariaDB is missing where it must not be: with `CONNMGR_REQUIRE_MARIADB=1`, and with `CI=true` where
 * `npm run labs` could have installed it.
 */
export function describeMariadb(name: string, tests: () => void): void {
  describeProduct(MARIADB, name, tests)
}

/** The same for MySQL, which `CONNMGR_REQUIRE_MYSQL=1` makes obligatory and nothing else: it is not to be had everywhere. */
export function describeMysql(name: string, tests: () => void): void {
  describeProduct(MYSQL, name, tests)
}

/** Runs the tests on MariaDB and on MySQL; the name of the product goes before theirs. */
export function describeEachProduct(name: string, tests: (lab: MysqlLab) => void): void {
  for (const product of [MARIADB, MYSQL]) {
    const lab: MysqlLab = { product, start: (options) => startServers(product, options) }
    describeProduct(product, `${product.name}: ${name}`, () => tests(lab))
  }
}

function describeProduct(product: MysqlProduct, name: string, tests: () => void): void {
  if (product.find() !== undefined) {
    describe(name, tests)
    return
  }
  if (product.isRequired()) {
    throw new Error(
      `${product.name} is not here, and its tests must not be skipped. ${product.howToGet}`,
    )
  }
  if (!warned.has(product.name)) {
    warned.add(product.name)
    process.stderr.write(
      `\nSKIPPED: tests that need ${product.name}, in ${expect.getState().testPath}\n` +
        `         To run them: ${product.howToGet}\n\n`,
    )
  }
  const skip = describe.skip
  skip(`${name} (SKIPPED: ${product.name} is not here)`, tests)
}
