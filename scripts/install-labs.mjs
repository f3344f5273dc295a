// Brings the servers that tests need and that npm does not bring. MariaDB, Alertmanager, Chromium and Prometheus are installed from
// packages of Debian or Ubuntu; what Debian has in another suite is fetched into a folder of the user's own. Where that cannot
// be done, this says what is left out, and the tests of that server are skipped.
import { exitLike, run } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const labs = await import('@connmgr/testing')
  const servers = [
    {
      name: 'MariaDB',
      find: () => labs.MARIADB.find()?.server,
      programs: labs.MARIADB_PROGRAMS,
      command: labs.MARIADB_INSTALL_COMMAND,
    },
    {
      name: 'Alertmanager',
      find: labs.findAlertmanager,
      programs: labs.ALERTMANAGER_PROGRAMS,
      command: labs.ALERTMANAGER_INSTALL_COMMAND,
    },
    {
      name: 'Chromium',
      find: labs.findChromium,
      programs: labs.CHROMIUM_PROGRAMS,
      command: labs.CHROMIUM_INSTALL_COMMAND,
    },
    {
      name: 'Prometheus',
      find: () => labs.findPrometheus()?.prometheus,
      programs: labs.PROMETHEUS_PROGRAMS,
      command: labs.PROMETHEUS_INSTALL_COMMAND,
    },
  ]
  /** Programs of other suites of Debian. */
  const fetched = [
    { name: 'PgBouncer', wanted: labs.TRACKING_PGBOUNCER },
    { name: 'MySQL', wanted: labs.SUITE_MYSQL },
  ]
  for (const { command, find, name, programs } of servers) {
    if (find() === undefined && labs.canInstallPackages())
      labs.installPrograms(programs, console.log)
    const found = find()
    console.log(
      found === undefined
        ? `left out: ${name} is not installed, so its tests are skipped. Root can install it: ${command}`
        : `${name} is here: ${found}`,
    )
  }
  for (const { name, wanted } of fetched) {
    const from = `${wanted.package} of Debian ${wanted.suite}`
    try {
      if (labs.findSuiteProgram(wanted) === undefined && labs.canFetchSuitePrograms())
        labs.fetchSuiteProgram(wanted, console.log)
    } catch (error) {
      // A suite that is still being made has days on which a package of it cannot be had.
      console.log(`${from} cannot be had now: ${error.message}`)
    }
    const found = labs.findSuiteProgram(wanted)
    console.log(
      found === undefined
        ? `left out: ${name} (${from}), so its tests are skipped`
        : `${name} is here: ${found}`,
    )
  }
} catch (error) {
  exitLike(error)
}
