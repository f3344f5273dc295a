import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

/** The workspaces that are published. */
export const PUBLIC_PACKAGES = [
  'core',
  'pg',
  'mysql',
  'sqlite',
  'duckdb',
  'typeorm',
  'prisma',
  'drizzle',
  'sequelize',
  'winston',
  'insights',
  'metrics',
  'otel',
  'prometheus',
  'health',
  'nestjs',
  'cli',
  'dashboard',
]

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** What a stopped command may take to clean up. */
const PATIENCE_MS = 10_000
const isWindows = process.platform === 'win32'

/**
 * Runs a command to its end. Rejects if it fails, with an `exitCode` as a shell would give. A signal that reaches this
 * process reaches the command too, and this process waits for it to clean up.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, quiet?: boolean, timeoutMs?: number }} [options]
 * With `quiet`, the output is kept, and is in the error's message; with `timeoutMs`, the command and all that it has
 * started are ended after that time.
 * @returns {Promise<string>} what it wrote to stdout, if `quiet`
 */
export function run(command, args, options = {}) {
  const { cwd = ROOT, env = {}, quiet = false, timeoutMs } = options
  // So that a timeout reaches everything that it has started; npm and its shell do not pass signals on.
  const ownGroup = timeoutMs !== undefined && !isWindows
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    detached: ownGroup,
    // Windows starts node.exe by itself, but npm.cmd only through a shell.
    shell: isWindows && command !== process.execPath,
  })
  const output = collect(child)
  const stopForwarding = forwardSignals(child, ownGroup)
  const timeout = timeoutMs === undefined ? undefined : endAfter(child, ownGroup, timeoutMs)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      stopForwarding()
      timeout?.clear()
      if (code === 0) return resolve(output.stdout)
      const how = timeout?.passed
        ? `did not end within ${timeoutMs} ms`
        : `ended with ${signal ?? code}`
      const exitCode = code ?? 128 + constants.signals[signal]
      const message = [`${command} ${args.join(' ')} ${how}`, output.stdout, output.stderr]
      reject(
        Object.assign(new Error(message.filter(Boolean).join('\n')), { exitCode, wasQuiet: quiet }),
      )
    })
  })
}

/** Runs a program of an installed package. */
export function runBin(name, args, options) {
  const file = join(ROOT, 'node_modules', PACKAGE_OF[name] ?? name)
  const { bin } = JSON.parse(readFileSync(join(file, 'package.json'), 'utf8'))
  const program = join(file, typeof bin === 'string' ? bin : bin[name])
  return run(process.execPath, [program, ...args], options)
}

const PACKAGE_OF = { attw: '@arethetypeswrong/cli', tsc: 'typescript' }

/** Runs npm, the same one that runs us if it is npm that does. */
export function runNpm(args, options) {
  const running = process.env.npm_execpath ?? ''
  return basename(running) === 'npm-cli.js'
    ? run(process.execPath, [running, ...args], options)
    : run('npm', args, options)
}

/** Ends this process as a command that failed has ended. What failed has said why, unless it was quiet. */
export function exitLike(error) {
  if (error.exitCode === undefined || error.wasQuiet) console.error(error.message)
  process.exit(error.exitCode ?? 1)
}

function collect(child) {
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name]?.setEncoding('utf8').on('data', (chunk) => {
      output[name] += chunk
    })
  }
  return output
}

/** Returns the function that stops it. */
function forwardSignals(child, ownGroup) {
  const forward = (signal) => {
    // Ctrl-C in a terminal has reached the whole group; a second SIGINT would cut the cleaning up short.
    if (signal === 'SIGINT' && process.stdin.isTTY && !ownGroup) return
    kill(child, ownGroup, signal)
  }
  for (const signal of SIGNALS) process.on(signal, forward)
  return () => {
    for (const signal of SIGNALS) process.off(signal, forward)
  }
}

function endAfter(child, ownGroup, timeoutMs) {
  const timeout = { passed: false, clear: () => clearTimeout(timer) }
  let timer = setTimeout(() => {
    timeout.passed = true
    kill(child, ownGroup, 'SIGTERM')
    timer = setTimeout(() => kill(child, ownGroup, 'SIGKILL'), PATIENCE_MS)
  }, timeoutMs)
  return timeout
}

function kill(child, ownGroup, signal) {
  if (!ownGroup) return child.kill(signal)
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // It has ended meanwhile.
    if (error.code !== 'ESRCH') throw error
  }
}
