import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import path from 'node:path'

const SCRIPT = path.join(__dirname, '..', '..', 'bin', 'watchdog.cjs')

let watchdog: ChildProcess | undefined
const guarded = new Set<string>()

/**
 * Makes sure that the servers in `directory`, and the directory itself, go when this process goes: at its
 * regular end, after an uncaught error, a signal or a SIGKILL. A child process of ours notices through the
 * closed end of a pipe.
 *
 * @returns a function that ends the guard, for when everything has been cleaned up already
 */
export async function guardDirectory(directory: string): Promise<() => Promise<void>> {
  guarded.add(directory)
  await tell(`+${directory}\n`)
  return async () => {
    if (!guarded.delete(directory)) return
    await tell(`-${directory}\n`)
    if (guarded.size > 0) return
    const ending = watchdog
    watchdog = undefined
    if (ending === undefined || ending.exitCode !== null) return
    ending.ref()
    ending.stdin?.end()
    await once(ending, 'exit')
  }
}

async function tell(line: string): Promise<void> {
  watchdog ??= startWatchdog()
  const { stdin } = watchdog
  await new Promise<void>((resolve, reject) => {
    stdin?.write(line, (error) => (error ? reject(error) : resolve()))
  })
}

function startWatchdog(): ChildProcess {
  const argv = [SCRIPT, String(process.pid)]
  // A jest worker outlives its killed runner, and would go on starting servers.
  const isJestWorker = process.env.JEST_WORKER_ID !== undefined && process.connected === true
  if (isJestWorker) argv.push(String(process.ppid))
  const child = spawn(process.execPath, argv, {
    // its own session: a Ctrl-C in the terminal must not reach it
    detached: true,
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Both surface as a failing write in tell().
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  child.unref()
  ;(child.stdin as Socket).unref()
  return child
}
