import { spawn } from 'node:child_process'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { patient, sourceAliases } from '@connmgr/testing'
import { build } from 'esbuild'

const ROOT = path.join(__dirname, '..')

/** A program that runs as a process of its own. */
export interface Program {
  readonly pid: number
  /** Resolves once it has printed this line; rejects if it ends without. */
  printed(line: string): Promise<void>
  /** Resolves when it has ended by itself. */
  readonly ended: Promise<{ code: number | null; lines: readonly string[]; stderr: string }>
}

const bundles = new Map<string, Promise<string>>()

/** Starts a program of `test/programs`, with our packages in it as they are in the sources. */
export async function startProgram(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const source = bundles.get(file) ?? bundle(file)
  bundles.set(file, source)
  const code = await source
  const child = spawn(process.execPath, ['-', ...args], {
    cwd: path.join(ROOT, 'packages', 'prisma'),
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: patient(50_000),
  })
  child.stdin.end(code)
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const look = (): void => {
    for (const each of [...waiting]) each()
  }
  let rest = ''
  let over = false
  child.stdout.on('data', (data: Buffer) => {
    const parts = `${rest}${data}`.split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    look()
  })
  const stderr = text(child.stderr)
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve)).then(
    async (exitCode) => {
      over = true
      look()
      return { code: exitCode, lines, stderr: await stderr }
    },
  )
  return {
    pid: child.pid as number,
    ended,
    printed: (line) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!lines.includes(line) && !over) return
          waiting.delete(check)
          if (lines.includes(line)) resolve()
          else reject(new Error(`the program ended without "${line}": ${lines.join(' | ')}`))
        }
        waiting.add(check)
        check()
      }),
  }
}

async function bundle(file: string): Promise<string> {
  const names = ['core', 'pg', 'prisma', 'typeorm', 'drizzle']
  const { outputFiles } = await build({
    entryPoints: [path.join(ROOT, 'test', 'programs', file)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: sourceAliases(...names),
  })
  return outputFiles[0]?.text ?? ''
}
