import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * Runs a command to its end. Rejects if it fails. SIGINT and SIGTERM reach it too, so that it can clean up.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, quiet?: boolean, timeoutMs?: number }} [options]
 * @returns {Promise<string>} what it wrote to stdout, if `quiet`
 */
export function run(command, args, options = {}) {
  const { cwd = ROOT, env = {}, quiet = false, timeoutMs } = options
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  })
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const forward = (signal) => child.kill(signal)
  process.on('SIGINT', forward)
  process.on('SIGTERM', forward)
  const timer = timeoutMs && setTimeout(() => child.kill('SIGTERM'), timeoutMs)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      process.off('SIGINT', forward)
      process.off('SIGTERM', forward)
      if (code === 0) return resolve(stdout)
      const error = new Error(
        `${command} ${args.join(' ')} ended with ${signal ?? code}\n${stdout}${stderr}`,
      )
      reject(Object.assign(error, { exitCode: code ?? 1 }))
    })
  })
}

/** Runs a program of an installed package. */
export function runBin(name, args, options) {
  const file = process.platform === 'win32' ? `${name}.cmd` : name
  return run(join(ROOT, 'node_modules', '.bin', file), args, options)
}

/** The workspaces that are published. */
export const PUBLIC_PACKAGES = ['core', 'pg', 'typeorm', 'prisma', 'drizzle', 'winston']
