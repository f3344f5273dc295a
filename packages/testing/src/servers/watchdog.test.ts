import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { listServerProcesses, signalProcess } from '../../bin/server-processes.cjs'
import { describeMariadb } from '../mysql/describe-products.js'
import { guardDirectory } from './watchdog.js'

/** How programs start two servers of a database. */
interface Lab {
  readonly module: string
  readonly start: string
  /** Of the names of the folders of its clusters. */
  readonly prefix: string
  /** Processes that two servers have at the least. */
  readonly processes: number
}

const POSTGRES: Lab = {
  module: path.join(__dirname, '..', 'postgres', 'postgres-cluster.ts'),
  start: 'startCluster({ standbys: 1 })',
  prefix: 'connmgr-postgres-',
  processes: 3,
}
const MARIADB: Lab = {
  module: path.join(__dirname, '..', 'mysql', 'mysql-cluster.ts'),
  start: 'startMariadb({ replicas: 1 })',
  prefix: 'connmgr-mariadb-',
  processes: 2,
}

/** To its end nothing but the end of the test process, which closes stdin. */
const GO_ON = `process.stdin.on('end', () => process.exit()).resume()`

describe('servers of PostgreSQL end with the process that started them', () => suite(POSTGRES))
describeMariadb('servers of MariaDB end with the process that started them', () => suite(MARIADB))

function suite({ module, start, prefix, processes }: Lab): void {
  let directory: string
  const children: ChildProcess[] = []

  let endGuard: () => Promise<void>

  beforeEach(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'watchdog-test-'))
    // This test may be stopped half-way as well.
    endGuard = await guardDirectory(directory)
    // the servers' own user has to get through
    chmodSync(directory, 0o755)
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
    await endGuard()
  })

  /** Starts a cluster, says so on stdout, and then does `afterwards`. */
  function program(afterwards: string): string {
    return `
      const lab = require(${JSON.stringify(module)})
      // Only now: the loader keeps what it has compiled in the temporary directory.
      process.env.TMPDIR = ${JSON.stringify(directory)}
      lab.${start}.then((cluster) => {
        console.log('started')
        ${afterwards}
      })`
  }

  function run(code: string, inherited: string[] = []): ChildProcess {
    const child = spawn(process.execPath, ['--require', 'tsx/cjs', '--eval', code, ...inherited], {
      cwd: __dirname,
      env: { ...process.env, JEST_WORKER_ID: undefined },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    children.push(child)
    return child
  }

  async function started(child: ChildProcess): Promise<string> {
    for await (const line of createInterface({ input: child.stdout as Readable })) {
      if (line.startsWith('started')) return line
    }
    throw new Error('the program ended before its cluster had started')
  }

  function clusterDirectories(): string[] {
    return readdirSync(directory).filter((name) => name.startsWith(prefix))
  }

  /** Waits for the end of everything; the test's own timeout is the limit. */
  async function nothingLeft(words: string[]): Promise<void> {
    while (clusterDirectories().length > 0) await delay(20)
    for (const word of words) expect(listServerProcesses(word)).toEqual([])
  }

  test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('killed by %s', async (signal) => {
    const child = run(program(GO_ON))
    await started(child)
    const words = clusterDirectories()
    expect(words).toHaveLength(1)
    expect(listServerProcesses(words[0] as string).length).toBeGreaterThanOrEqual(processes)
    child.kill(signal)
    await nothingLeft(words)
  })

  test('killed while a server is frozen', async () => {
    const child = run(
      program(`cluster.primary.freeze().then(() => console.log('frozen')); ${GO_ON}`),
    )
    for await (const line of createInterface({ input: child.stdout as Readable })) {
      if (line === 'frozen') break
    }
    const words = clusterDirectories()
    child.kill('SIGKILL')
    await nothingLeft(words)
  })

  test.each([
    ['an uncaught error', `setImmediate(() => { throw new Error('uncaught') })`],
    ['process.exit', 'process.exit(0)'],
    ['a regular end without stop()', ''],
  ])('ended by %s', async (_how, afterwards) => {
    const child = run(program(afterwards))
    const exit = once(child, 'exit')
    await started(child)
    await exit
    await nothingLeft([path.basename(directory)])
  })

  test('killed in the middle of the start', async () => {
    const child = run(program(GO_ON))
    while (clusterDirectories().length === 0) await delay(5)
    const words = clusterDirectories()
    while (listServerProcesses(words[0] as string).length === 0) await delay(5)
    child.kill('SIGKILL')
    await nothingLeft(words)
  })

  test('the worker of a killed test runner ends, and its servers with it', async () => {
    const worker = `${program(GO_ON)}; process.on('disconnect', () => {})`
    const runner = run(`
      const worker = require('node:child_process').spawn(
        process.execPath,
        ['--require', 'tsx/cjs', '--eval', ${JSON.stringify(worker)}],
        { stdio: ['inherit', 'pipe', 'ignore', 'ipc'], env: { ...process.env, JEST_WORKER_ID: '1' } },
      )
      worker.stdout.on('data', () => console.log('started', worker.pid))`)
    const workerPid = Number((await started(runner)).split(' ')[1])
    const words = clusterDirectories()
    runner.kill('SIGKILL')
    await nothingLeft(words)
    while (signalProcess(workerPid, 0)) await delay(20)
  })
}
