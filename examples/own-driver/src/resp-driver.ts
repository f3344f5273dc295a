import { ConnmgrError, type Endpoint } from '@connmgr/core'
import type { ConnectContext, Driver, FailureKind, ProbeResult } from '@connmgr/core/driver'
import { type Reply, RespConnection, RespError } from './resp-connection.js'

/** What the engine needs to know of a server that speaks RESP. */
export const respDriver: Driver<RespConnection> = {
  name: 'resp',
  connect: open,
  async validate(connection) {
    await connection.send('PING')
  },
  inspect(connection) {
    if (connection.error !== undefined) return 'broken'
    if (connection.busy) return 'busy'
    return connection.inTransaction ? 'transaction' : 'clean'
  },
  async close(connection) {
    await new Promise<void>((resolve) => connection.socket.end(() => resolve()))
  },
  destroy(connection, reason) {
    connection.socket.destroy(reason)
  },
  classify,

  transactions: {
    async begin(connection) {
      await connection.send('MULTI')
      connection.inTransaction = true
    },
    // All or nothing: the server has only queued the commands so far.
    async commit(connection) {
      await connection.send('EXEC')
      connection.inTransaction = false
    },
    async rollback(connection) {
      await connection.send('DISCARD')
      connection.inTransaction = false
    },
  },

  // With it a manager of several servers finds the primary by itself, and follows when another is promoted.
  replication: {
    async openProbe(endpoint, context) {
      const connection = await open(endpoint, context)
      return {
        check: () => probe(connection),
        destroy: () => void connection.socket.destroy(),
      }
    },
    ask: probe,
    role: (connection) => roles.get(connection) ?? 'unknown',
    probeScope: () => undefined,
    isOfDatabase: () => false,
    // An offset shows how much was written, and no promotions.
    order: () => 'unknown',
    covers: (position, written) => Number(position) >= Number(written),
    writePlace: async (connection) => ({ position: (await probe(connection)).position }),
    async readPlace(connection) {
      const { position, role } = await probe(connection)
      return role === 'standby' ? { position } : undefined
    },
  },
}

const roles = new WeakMap<RespConnection, ProbeResult['role']>()

function open(endpoint: Endpoint, { signal, onSignal }: ConnectContext): Promise<RespConnection> {
  const { host = '127.0.0.1', port = 6379 } = endpoint
  const connection = new RespConnection(host, port, signal)
  return new Promise((resolve, reject) => {
    connection.socket.once('connect', () => {
      connection.socket.once('close', () => {
        onSignal({ kind: 'lost', error: connection.error ?? new Error('the connection is closed') })
      })
      resolve(connection)
    })
    connection.socket.once('error', reject)
  })
}

/** `ROLE` answers `master` and an offset, or `slave`, the address of the master, the state of the link and an offset. */
async function probe(connection: RespConnection): Promise<ProbeResult> {
  const reply = (await connection.send('ROLE')) as Reply[]
  const role = reply[0] === 'master' ? 'primary' : 'standby'
  roles.set(connection, role)
  const position = String(role === 'primary' ? reply[1] : reply[4])
  return { role, writable: role === 'primary', position }
}

/** What an error means for the connection, and for the server behind it. */
function classify(error: unknown): FailureKind {
  const { code, message = '', syscall } = error as NodeJS.ErrnoException
  if (error instanceof ConnmgrError) return 'lost'
  if (!(error instanceof RespError)) {
    if (syscall === 'connect' || code === 'ENOTFOUND') return 'unreachable'
    return code === undefined && error instanceof TypeError ? 'defect' : 'lost'
  }
  if (message.startsWith('READONLY')) return 'read-only'
  if (message.startsWith('LOADING')) return 'starting'
  if (message.startsWith('NOAUTH') || message.startsWith('WRONGPASS')) return 'setup'
  if (message.includes('max number of clients')) return 'busy'
  return 'statement'
}
