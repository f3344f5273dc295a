'use strict'
/**
 * Ends the servers of a test process that died. It reads `+directory` and `-directory` lines from its owner;
 * end of file means that the owner is gone, however it went. Then every server in the remaining directories
 * is shut down and the directories are removed.
 *
 * usage: node watchdog.cjs <pid of the owner> [<pid of the runner>]
 *   With a runner, the owner is its worker: when the runner dies, the worker is ended as well.
 */
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const readline = require('node:readline')
const { listServerProcesses, removeSharedMemory, signalProcess } = require('./server-processes.cjs')

const owner = Number(process.argv[2])
const directories = new Set()

// A terminal's Ctrl-C or hang-up ends the owner; this process has to survive it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

const lines = readline.createInterface({ input: process.stdin })
lines.on('line', (line) => {
  if (line.startsWith('+')) directories.add(line.slice(1))
  else directories.delete(line.slice(1))
})
lines.on('close', cleanUp)

const runner = Number(process.argv[3])
if (runner > 0) {
  const watch = setInterval(() => {
    if (parentOf(owner) === runner) return
    clearInterval(watch)
    // Its end closes the pipe, and the cleaning up begins.
    signalProcess(owner, 'SIGKILL')
  }, 500)
}

/** Undefined once the process is gone, which counts as a change. */
function parentOf(pid) {
  try {
    if (!fs.existsSync('/proc/self/stat')) {
      return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }))
    }
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0])
  } catch {
    return undefined
  }
}

function cleanUp() {
  const remaining = [...directories]
  directories.clear()
  for (const directory of remaining) {
    // An immediate shutdown removes the shared memory too, which a plain kill would leave behind.
    endServers(directory, 'SIGQUIT', 3000)
    endServers(directory, 'SIGKILL', 3000)
    if (!fs.existsSync(directory)) continue
    for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) removeSharedMemory(path.join(directory, entry.name))
    }
    fs.rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
  process.exit(0)
}

function endServers(directory, signal, withinMs) {
  const deadline = Date.now() + withinMs
  const told = new Set()
  while (Date.now() < deadline) {
    const processes = listServerProcesses(path.basename(directory))
    if (processes.length === 0) return
    for (const { pid, command } of processes) {
      // Only the postmaster is asked to shut down: it ends its children in order.
      if (signal !== 'SIGKILL' && command.startsWith('postgres:')) continue
      // initdb puts off what it is asked until it has finished, and MariaDB leaves nothing outside its directory.
      const isServer = command.includes(' -c cluster_name=')
      if (!told.has(pid)) signalProcess(pid, isServer ? signal : 'SIGKILL')
      told.add(pid)
    }
    for (const { pid, state } of processes) if (state === 'T') signalProcess(pid, 'SIGCONT')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  }
}
