// Installs the servers that tests need and that npm does not bring: MariaDB and Alertmanager, from packages of Debian or
// Ubuntu. Where it may not install anything, it says what is left out, and the tests of that server are skipped.
import { exitLike, run } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const { canInstallPackages, findAlertmanager, findMariadb, installPrograms, ...labs } =
    await import('@connmgr/testing')
  if (findMariadb() === undefined && canInstallPackages()) {
    installPrograms(labs.MARIADB_PROGRAMS, console.log)
  }
  const found = findMariadb()
  console.log(
    found === undefined
      ? `left out: MariaDB is not installed, so its tests are skipped. Root can install it: ${labs.MARIADB_INSTALL_COMMAND}`
      : `MariaDB is here: ${found.mariadbd}`,
  )
  if (findAlertmanager() === undefined && canInstallPackages()) {
    installPrograms(labs.ALERTMANAGER_PROGRAMS, console.log)
  }
  const alertmanager = findAlertmanager()
  console.log(
    alertmanager === undefined
      ? `left out: Alertmanager is not installed, so its tests are skipped. Root can install it: ${labs.ALERTMANAGER_INSTALL_COMMAND}`
      : `Alertmanager is here: ${alertmanager}`,
  )
} catch (error) {
  exitLike(error)
}
