import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RoleAgent } from './role-agent.js'

/** A server as HAProxy and its agent reach it. */
export interface Backend {
  readonly url: string
  readonly isLeader: () => boolean
}

const CHECKS_UNTIL_SURE = 4
const READY_MS = 10_000

/** The version that is installed, or undefined. */
export function haproxyVersion(): string | undefined {
  try {
    return /version (\S+)/.exec(execFileSync('haproxy', ['-v'], { encoding: 'utf8' }))?.[1]
  } catch {
    // Not installed.
    return undefined
  }
}

/** HAProxy before the servers, leading to whichever its checks say is the primary. */
export class Haproxy {
  readonly url: string
  readonly #child: ChildProcess
  readonly #agents: readonly RoleAgent[]
  readonly #directory: string

  private constructor(
    url: string,
    child: ChildProcess,
    agents: readonly RoleAgent[],
    directory: string,
  ) {
    this.url = url
    this.#child = child
    this.#agents = agents
    this.#directory = directory
  }

  /** Resolves when it knows who the primary is. */
  static async start(backends: readonly Backend[]): Promise<Haproxy> {
    const agents = backends.map(({ url, isLeader }) => new RoleAgent(url, isLeader))
    const checks = await Promise.all(agents.map((agent) => agent.listen()))
    const port = await freePort()
    const directory = await mkdtemp(path.join(tmpdir(), 'connmgr-haproxy-'))
    const file = path.join(directory, 'haproxy.cfg')
    await writeFile(file, configuration(port, backends, checks))
    // The shell ends it when our end of the pipe is closed, be it by our death.
    const script = 'haproxy -db -f "$0" & pid=$!; cat >/dev/null; kill $pid; wait $pid'
    const child = spawn('sh', ['-c', script, file], { stdio: ['pipe', 'ignore', 'ignore'] })
    const url = new URL((backends[0] as Backend).url)
    url.port = String(port)
    const haproxy = new Haproxy(url.href, child, agents, directory)
    await haproxy.#ready()
    return haproxy
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end()
    await Promise.all(this.#agents.map((agent) => agent.close()))
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** Before its checks have failed, HAProxy takes every server for good. */
  async #ready(): Promise<void> {
    const deadline = performance.now() + READY_MS
    while (this.#agents.some((agent) => agent.answered < CHECKS_UNTIL_SURE)) {
      if (performance.now() > deadline || this.#child.exitCode !== null) {
        await this.stop()
        throw new Error('HAProxy did not begin to check the servers')
      }
      await delay(20)
    }
  }
}

/** As in the template of Patroni's documentation, but with checks several times as fast. */
function configuration(
  port: number,
  backends: readonly Backend[],
  checks: readonly number[],
): string {
  const servers = backends.map(({ url }, index) => {
    const { host } = new URL(url)
    return `  server node${index + 1} ${host} check port ${checks[index]}`
  })
  return `global
  maxconn 1000
defaults
  mode tcp
  retries 2
  timeout connect 2s
  timeout client 30m
  timeout server 30m
  timeout check 1s
listen postgres
  bind 127.0.0.1:${port}
  option httpchk GET /primary
  http-check expect status 200
  default-server inter 500ms fastinter 200ms downinter 200ms fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join('\n')}
`
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}
