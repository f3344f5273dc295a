// The program, which bin/connmgr.cjs loads.
import { redactText } from '@connmgr/core'
import { run } from './run.js'

// What the list of processes shows in place of the arguments, which may hold a token, or a URL with its password.
process.title = 'connmgr'

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => abort.abort(new Error(`ended by ${signal}`)))
// The reader of a pipe has had enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
const watching = process.stdin.isTTY === true && process.argv[2] === 'top'
if (watching) watchKeys()

run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: abort.signal,
}).then(
  (code) => {
    process.exitCode = code
    // Nothing else is read, and an open terminal would keep the process running.
    if (watching) process.stdin.pause()
  },
  (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`${redactText(text)}\n`)
    process.exitCode = 70
  },
)

function watchKeys(): void {
  const { stdin } = process
  stdin.setRawMode(true)
  process.once('exit', () => stdin.setRawMode(false))
  stdin.on('data', (key: Buffer) => {
    if (['q', 'Q', '\u0003', '\u001b'].includes(key.toString()))
      abort.abort(new Error('ended by a key'))
  })
}
