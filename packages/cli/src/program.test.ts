import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import {
  eventually,
  type PostgresCluster,
  patient,
  sourceAliases,
  startCluster,
} from '@connmgr/testing'
import { build } from 'esbuild'

/** What the program `script` and `/proc` are like differs elsewhere. */
const onLinux = process.platform === 'linux' ? test : test.skip
const PACKAGE = path.join(__dirname, '..')
const MODULES = path.join(PACKAGE, '..', '..', 'node_modules')

let folder: string
let cluster: PostgresCluster

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'cli-bin-'))
  cluster = await startCluster({ hbaMethod: 'scram-sha-256' })
  await build({
    entryPoints: {
      'dist/program': path.join(PACKAGE, 'src', 'program.ts'),
      app: path.join(PACKAGE, 'test', 'app.ts'),
    },
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: {
      '@connmgr/cli/server': path.join(PACKAGE, 'src', 'server.ts'),
      ...sourceAliases('core', 'insights', 'mysql', 'pg', 'sqlite'),
    },
    logLevel: 'error',
  })
  for (const name of ['package.json', 'bin'])
    cpSync(path.join(PACKAGE, name), path.join(folder, name), { recursive: true })
})
afterAll(async () => {
  await cluster.stop()
  rmSync(folder, { recursive: true, force: true })
})

function start(program: string, args: readonly string[], env = {}): ChildProcessWithoutNullStreams {
  const { PATH, HOME } = process.env
  return spawn(process.execPath, [path.join(folder, program), ...args], {
    env: { PATH, HOME, NODE_PATH: MODULES, ...env },
    timeout: patient(60_000),
  })
}

async function connmgr(args: readonly string[], env = {}) {
  const child = start('bin/connmgr.cjs', args, env)
  child.stdin.end()
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await exited, stdout, stderr }
}

async function startApp(socket: string): Promise<ChildProcessWithoutNullStreams> {
  const child = start('app.js', [socket], { DATABASE_URL: cluster.primary.url() })
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      if (String(chunk).includes('ready')) resolve()
    })
    child.stderr.on('data', (chunk) => reject(new Error(String(chunk))))
  })
  return child
}

test('the commands have help and a version, and a mistake is exit code 2 with what mends it', async () => {
  expect(await connmgr(['--help'])).toMatchObject({ code: 0, stderr: '' })
  expect((await connmgr(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect((await connmgr(['doctor', '--help'])).stdout).toContain('--instances')
  expect(await connmgr(['treat'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('doctor, check, top, report'),
  })
  expect(await connmgr(['doctor'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('set DATABASE_URL'),
  })
})

test('doctor reads DATABASE_URL, prints JSON alone on stdout, and never the password', async () => {
  const url = cluster.primary.url()
  const { code, stderr, stdout } = await connmgr(['doctor', '--json'], { DATABASE_URL: url })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({ command: 'doctor', ok: true })
  expect(stdout).not.toContain(new URL(url).password)
})

test('top follows a process until it dies, and says so', async () => {
  const socket = path.join(folder, 'app.sock')
  const app = await startApp(socket)
  const top = start('bin/connmgr.cjs', ['top', '--json', '--socket', socket, '--interval', '100'])
  const seen = { out: '', err: '' }
  top.stdout.on('data', (chunk) => {
    seen.out += chunk
  })
  top.stderr.on('data', (chunk) => {
    seen.err += chunk
  })
  const exited = new Promise((resolve) => top.on('close', resolve))
  await eventually(() => seen.out.split('long export').length > 3)
  expect(seen.out).toContain('select 1 as exported')
  app.kill('SIGKILL')
  expect(await exited).toBe(3)
  expect(seen.err).toContain('cannot be reached')
})

onLinux(
  'on a pseudo-terminal top draws within its size, and Ctrl-C gives the screen and the cursor back',
  async () => {
    const socket = path.join(folder, 'terminal.sock')
    const app = await startApp(socket)
    const program = [process.execPath, path.join(folder, 'bin', 'connmgr.cjs')]
    const command = `stty rows 12 cols 50; exec ${[...program, 'top', '--socket', socket].join(' ')}`
    const { PATH, HOME } = process.env
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
      env: { PATH, HOME, NODE_PATH: MODULES, TERM: 'xterm', SHELL: '/bin/sh' },
      timeout: patient(60_000),
    })
    let seen = ''
    terminal.stdout.on('data', (chunk) => {
      seen += chunk
    })
    const exited = new Promise((resolve) => terminal.on('exit', resolve))
    await eventually(() => seen.includes('in use 1'))
    expect(seen).toContain('\u001b[?1049h\u001b[?25l')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is how such a sequence begins
    const lines = seen.replace(/\u001b\[[\d;?]*[A-Za-z]/g, '').split('\r\n')
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(50)
    terminal.stdin.write('\u0003')
    expect(await exited).toBe(0)
    expect(seen.trimEnd().endsWith('\u001b[?25h\u001b[?1049l')).toBe(true)
    app.kill('SIGKILL')
  },
)

onLinux('a token, or a password, of the command line is not in the list of processes', async () => {
  const token = 'a-token-that-is-long-enough'
  const server = createServer()
  const asked = new Promise<IncomingMessage>((resolve) => server.once('request', resolve))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const program = start('bin/connmgr.cjs', [
    'report',
    '--url',
    `http://127.0.0.1:${port}`,
    '--token',
    token,
  ])
  const exited = new Promise((resolve) => program.on('exit', resolve))
  expect((await asked).headers.authorization).toBe(`Bearer ${token}`)
  expect(readFileSync(`/proc/${program.pid}/cmdline`, 'utf8')).not.toContain(token)
  program.kill('SIGTERM')
  await exited
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

test('SIGINT ends top with exit code 0', async () => {
  const socket = path.join(folder, 'second.sock')
  const app = await startApp(socket)
  const top = start('bin/connmgr.cjs', ['top', '--json', '--socket', socket])
  const exited = new Promise((resolve) => top.on('exit', resolve))
  await new Promise((resolve) => top.stdout.once('data', resolve))
  top.kill('SIGINT')
  expect(await exited).toBe(0)
  app.kill('SIGKILL')
})

test('an inspection keeps no process running', async () => {
  const app = await startApp(path.join(folder, 'third.sock'))
  const exited = new Promise((resolve) => app.on('exit', (code, signal) => resolve(code ?? signal)))
  app.stdin.end()
  await cluster.primary.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where query = 'select 1 as exported'`,
  )
  expect(await exited).toBe(0)
})
