// Installs the servers that tests need and that npm does not bring: MariaDB, Alertmanager, Chromium and Prometheus, from
// packages of Debian or Ubuntu. Where it may not install anything, it says what is left out, and the tests of that server are skipped.
import { exitLike, run } from './run.mjs'

try {
  await run(process.execPath, ['scripts/build.mjs'], { quiet: true })
  const labs = await import('@connmgr/testing')
  const servers = [
    {
      name: 'MariaDB',
      find: () => labs.findMariadb()?.mariadbd,
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
} catch (error) {
  exitLike(error)
}
