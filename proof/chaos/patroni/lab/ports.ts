import { createServer } from 'node:net'

// Below the ports that systems hand out by themselves: an outgoing connection must not take the port of a server that
// is down for the moment.
const LOWEST = 15_000
const HIGHEST = 32_000

/** Ports of everything that listens in a lab, all on 127.0.0.1. */
export interface LabPorts {
  readonly etcd: number
  readonly etcdPeer: number
  readonly haproxyWrites: number
  readonly haproxyReads: number
  readonly serviceWrites: number
  readonly serviceReads: number
  readonly pgbouncer: number
  /** Per node. */
  readonly postgres: readonly number[]
  /** Per node, of Patroni's API. */
  readonly rest: readonly number[]
}

/** Different ports that are free right now. */
export async function findPorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

export async function findLabPorts(nodes: number): Promise<LabPorts> {
  const ports = await findPorts(7 + 2 * nodes)
  const take = (): number => ports.pop() as number
  return {
    etcd: take(),
    etcdPeer: take(),
    haproxyWrites: take(),
    haproxyReads: take(),
    serviceWrites: take(),
    serviceReads: take(),
    pgbouncer: take(),
    postgres: ports.splice(0, nodes),
    rest: ports.splice(0, nodes),
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    )
  })
}
