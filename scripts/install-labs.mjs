// Installs the database servers that tests need and that npm does not bring: MariaDB, from packages of Debian or Ubuntu.
// Where it may not install anything, it says what is left out, and the tests of that database are skipped.
import { exitLike, run } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const { canInstallPackages, findMariadb, installPrograms, ...mariadb } = await import(
    '@connmgr/testing'
  )
  if (findMariadb() === undefined && canInstallPackages()) {
    installPrograms(mariadb.MARIADB_PROGRAMS, console.log)
  }
  const found = findMariadb()
  console.log(
    found === undefined
      ? `left out: MariaDB is not installed, so its tests are skipped. Root can install it: ${mariadb.MARIADB_INSTALL_COMMAND}`
      : `MariaDB is here: ${found.mariadbd}`,
  )
} catch (error) {
  exitLike(error)
}
