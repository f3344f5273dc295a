'use strict'
/**
 * Ends a lab, the regular way and when its owner has died: at the end of its input it kills every process that has the
 * lab's directory on its command line, and removes the directory. The directory's name is random, so no other one's
 * process can be meant. Plain JavaScript, because it runs without any loader.
 *
 * usage: node guardian.cjs <directory of the lab>
 */
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const directory = process.argv[2]
const PATIENCE_MS = 10_000

// A terminal's Ctrl-C ends the owner; this process has to survive it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
process.stdin.on('end', cleanUp).on('error', cleanUp).resume()

function cleanUp() {
  const deadline = Date.now() + PATIENCE_MS
  // Agents first, frozen: none of them may start a server again that has just been killed.
  for (const { pid, command } of processes())
    if (command.includes('patroni')) signal(pid, 'SIGSTOP')
  for (let rest = processes(); rest.length > 0 && Date.now() < deadline; rest = processes()) {
    for (const { pid } of rest) signal(pid, 'SIGKILL')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  }
  for (const node of list(path.join(directory, 'data')))
    removeSharedMemory(path.join(directory, 'data', node))
  fs.rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  process.exit(0)
}

/** PostgreSQL's children show `cluster_name` instead of a path: for them it is the directory's name. */
function processes() {
  const word = path.basename(directory)
  return list('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map((entry) => ({ pid: Number(entry), command: read(`/proc/${entry}/cmdline`) }))
    .filter(({ command }) => command.includes(word))
}

function list(folder) {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : []
}

/** Nothing if it is gone, or not ours to read. */
function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** A killed server leaves its System V segment behind, which would stay for ever. */
function removeSharedMemory(dataDirectory) {
  const id = /^\s*\d+\s+(\d+)\s*$/.exec(
    read(path.join(dataDirectory, 'postmaster.pid')).split('\n')[6] ?? '',
  )?.[1]
  if (id === undefined) return
  try {
    execFileSync('ipcrm', ['-m', id], { stdio: 'ignore' })
  } catch {
    // No ipcrm here, or the segment is gone already: nothing more can be done.
  }
}
