'use strict'
/**
 * Finds the processes of a database server by a word in their command lines. Backends of PostgreSQL live in sessions
 * and process groups of their own, and a crash orphans them, so neither the group nor the parent tells:
 * but the postmaster has its data directory on its command line, and every child shows `cluster_name`. MySQL and MariaDB
 * are one process with its data directory on its command line, and so are Alertmanager and Prometheus.
 *
 * Plain JavaScript, because the watchdog runs it in a process without any loader.
 */
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const SERVER_COMMAND =
  /(^|\/)(postgres|initdb|mariadbd|mysqld|(prometheus-)?alertmanager|prometheus)(:|\s|$)/

/** Every process of the servers marked with `word`: its id, state letter and command line. */
function listServerProcesses(word) {
  const all = fs.existsSync('/proc/self/stat') ? readProc() : readPs()
  return all.filter(({ program, command, state }) => {
    if (state === 'Z' || !SERVER_COMMAND.test(program)) return false
    const at = command.indexOf(word)
    // node-1 must not find node-10
    return at >= 0 && !/^[\w-]/.test(command.slice(at + word.length))
  })
}

function readProc() {
  const found = []
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const argv = fs.readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')
      const stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8')
      const state = stat[stat.lastIndexOf(')') + 2]
      found.push({ pid: Number(entry), state, program: programOf(argv), command: argv.join(' ') })
    } catch (error) {
      // ended between the listing and the reading
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error
    }
  }
  return found
}

/** A program of another suite of Debian runs under the loader of that suite, which says what its name is. */
function programOf(argv) {
  const named = /\/ld-linux-[^/]*$/.test(argv[0]) ? argv.indexOf('--argv0') : -1
  return argv[named + 1]
}

/** The processes that one has started, in no time at all; none where the system does not tell. */
function listChildren(pid) {
  try {
    const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return children.split(' ').filter(Boolean).map(Number)
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error
    return []
  }
}

function readPs() {
  const found = []
  for (const line of execFileSync('ps', ['-axo', 'pid=,state=,command='], {
    encoding: 'utf8',
  }).split('\n')) {
    const match = /^\s*(\d+)\s+(\S)\S*\s+(.*)$/.exec(line)
    if (match === null) continue
    found.push({ pid: Number(match[1]), state: match[2], program: match[3], command: match[3] })
  }
  return found
}

/** Sends a signal; false if there is no such process any more. */
function signalProcess(pid, signal) {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if (error.code === 'ESRCH') return false
    throw error
  }
}

/**
 * Removes the System V segment that a killed server left behind: there are only some thousands of them
 * (32 on macOS), and it would stay for ever once the data directory is gone.
 */
function removeSharedMemory(dataDirectory) {
  let lockFile
  try {
    lockFile = fs.readFileSync(path.join(dataDirectory, 'postmaster.pid'), 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return
    throw error
  }
  const id = /^\s*\d+\s+(\d+)\s*$/.exec(lockFile.split('\n')[6] ?? '')?.[1]
  if (id === undefined) return
  try {
    execFileSync('ipcrm', ['-m', id], { stdio: 'ignore' })
  } catch {
    // no ipcrm here, or the segment is gone already: either way nothing more can be done
  }
}

module.exports = { listChildren, listServerProcesses, signalProcess, removeSharedMemory }
