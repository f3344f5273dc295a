// Installs the servers that tests need and that npm does not bring: MariaDB and Prometheus, from packages of Debian or
// Ubuntu. Where it may not install anything, it says what is left out, and the tests that need it are skipped.
import { exitLike, run } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const { canInstallPackages, findMariadb, findPrometheus, installPrograms, ...labs } =
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
  if (findPrometheus() === undefined && canInstallPackages()) {
    installPrograms(labs.PROMETHEUS_PROGRAMS, console.log)
  }
  const programs = findPrometheus()
  console.log(
    programs === undefined
      ? `left out: Prometheus is not installed, so its tests are skipped. Root can install it: ${labs.PROMETHEUS_INSTALL_COMMAND}`
      : `Prometheus is here: ${programs.prometheus}`,
  )
} catch (error) {
  exitLike(error)
}
