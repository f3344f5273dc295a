import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { AUTHENTICATED, commandComplete, ready, report, row } from '../test/messages.js'
import { ManagedPool } from './managed-pool.js'

const CANCEL_REQUEST = 80_877_102
/** Of a process, by which its statements can be cancelled. */
const keyOf = (processId: number) =>
  Buffer.from([0x4b, 0, 0, 0, 12, 0, 0, 0, processId, 0, 0, 0, 2])
const ENDED = report('E', {
  S: 'FATAL',
  V: 'FATAL',
  C: '57P01',
  M: 'terminating connection due to administrator command',
  R: 'ProcessInterrupts',
})

let server: Server
let sockets: Socket[]
/** Processes whose statements were to be cancelled. */
let cancelled: number[]

/** A server that ends its first session at its first statement, but whose process takes long to close the socket. */
beforeEach(async () => {
  sockets = []
  cancelled = []
  server = createServer((socket) => {
    const processId = sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', (packet) => {
      if (packet.readInt32BE(4) === CANCEL_REQUEST) cancelled.push(packet.readInt32BE(8))
      else socket.write(Buffer.concat([AUTHENTICATED, keyOf(processId), ready('I')]))
      socket.on('data', (message) => {
        if (message.toString('latin1', 0, 1) !== 'Q') return
        socket.write(
          processId === 1
            ? ENDED
            : Buffer.concat([row('later'), commandComplete('SELECT 1'), ready('I')]),
        )
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  server.close()
  await once(server, 'close')
})

test('a session that the server has ended has no place in the pool any more, though its socket is open', async () => {
  const pool = new ManagedPool({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    ssl: false,
    max: 1,
    healthMonitoring: false,
    logger: false,
  })
  await expect(pool.query("select 'first' as a")).rejects.toMatchObject({
    code: 'CONNMGR_CONNECTION_LOST',
  })
  expect(pool.$connections.getCounts()).toMatchObject({ total: 0, cleaning: 0 })
  expect((await pool.query("select 'later' as a")).rows).toEqual([{ a: 'later' }])
  await pool.$connections.close({ drainTimeoutMs: 0 })
  expect(cancelled).not.toContain(1)
})
