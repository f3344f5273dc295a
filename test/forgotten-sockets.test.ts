import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultProxy, startCluster, startFaultProxy } from '@connmgr/testing'
import { startProgram } from './program.js'

/** Long enough to be a stop that connections may not have survived. */
const STOPPED_MS = 3000
/** Far above what it takes to find a connection dead and to open another; what hangs takes for ever. */
const BOUND_MS = 15_000

test('whatever begins after a stop in which all sockets were forgotten without a word, succeeds', async () => {
  await using cluster = await startCluster({ standbys: 1 })
  const proxies: FaultProxy[] = []
  const urls: string[] = []
  for (const node of cluster.nodes) {
    const proxy = await startFaultProxy({ target: node })
    proxies.push(proxy)
    urls.push(node.url().replace(`:${node.port}/`, `:${proxy.port}/`))
  }
  const program = await startProgram('sleeper.ts', urls)
  await program.printed('ready')
  process.kill(program.pid, 'SIGSTOP')
  for (const proxy of proxies) proxy.abandon()
  await sleep(STOPPED_MS)
  process.kill(program.pid, 'SIGCONT')
  const { lines, stderr } = await program.ended
  expect(stderr).toBe('')
  const ended: { kind: string; tookMs: number; error?: string }[] = JSON.parse(lines.at(-1) ?? '[]')
  expect(ended.length).toBe(200)
  expect(ended.filter((each) => each.error !== undefined)).toEqual([])
  expect(ended.filter((each) => each.tookMs > BOUND_MS)).toEqual([])
  for (const proxy of proxies) await proxy.close()
}, 90_000)
