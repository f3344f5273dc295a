import { run } from '@connmgr/cli'

/** What a command has come to. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command with `--json`, and reads what it has written. */
export async function runJson<R>(
  command: string,
  ...args: string[]
): Promise<{ code: number; report: R }> {
  const { code, stderr, stdout } = await runCommand([command, '--json', ...args])
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as R }
}

/** Runs a command in this process, with no more of the environment than is given. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  const written = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof written) => ({
    write(text: string) {
      written[name] += text
    },
  })
  const code = await run(args, { stdout: sink('stdout'), stderr: sink('stderr'), env, signal })
  return { code, ...written }
}
