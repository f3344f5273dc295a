import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { eventually } from '@connmgr/testing'
import fc from 'fast-check'
import { oneBufferSocket } from './one-buffer-socket.js'

let server: Server
/** The servers' ends of the connections, in the order in which they came. */
let accepted: Socket[]

beforeEach(async () => {
  accepted = []
  server = createServer((socket) => void accepted.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  for (const socket of accepted) socket.destroy()
  server.close()
  await once(server, 'close')
})

/** Both ends of one connection. */
async function opened(): Promise<{ ours: Socket; theirs: Socket }> {
  const count = accepted.length
  const ours = oneBufferSocket(Socket)
  ours.connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(ours, 'connect')
  await eventually(() => accepted.length > count)
  return { ours, theirs: accepted[count] as Socket }
}

function collect(socket: Socket): Buffer[] {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
  return chunks
}

const lengthOf = (chunks: readonly Buffer[]): number =>
  chunks.reduce((sum, { length }) => sum + length, 0)

test('what listeners keep is not overwritten by what other sockets read', async () => {
  const one = await opened()
  const other = await opened()
  const first = collect(one.ours)
  const second = collect(other.ours)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 500 })), {
        minLength: 1,
        maxLength: 20,
      }),
      fc.integer({ min: 1, max: 400 }),
      async (writes, times) => {
        first.length = 0
        second.length = 0
        const sent = { first: [] as Buffer[], second: [] as Buffer[] }
        for (const [toFirst, bytes] of writes) {
          const data = Buffer.concat(Array.from({ length: times }, () => bytes))
          sent[toFirst ? 'first' : 'second'].push(data)
          ;(toFirst ? one : other).theirs.write(data)
        }
        await eventually(
          () =>
            lengthOf(first) === lengthOf(sent.first) && lengthOf(second) === lengthOf(sent.second),
        )
        expect(Buffer.concat(first).equals(Buffer.concat(sent.first))).toBe(true)
        expect(Buffer.concat(second).equals(Buffer.concat(sent.second))).toBe(true)
      },
    ),
    { numRuns: 50 },
  )
})

test('it reads nothing while it is paused', async () => {
  const { ours, theirs } = await opened()
  const chunks = collect(ours)
  ours.pause()
  theirs.write('later')
  // The other socket is answered by the same loop, after what has come for this one.
  const other = await opened()
  const seen = collect(other.ours)
  other.theirs.write('now')
  await eventually(() => seen.length > 0)
  expect(chunks).toEqual([])
  ours.resume()
  await eventually(() => chunks.length > 0)
  expect(String(chunks[0])).toBe('later')
})

test('it can be paused by what it has read', async () => {
  const { ours, theirs } = await opened()
  const chunks = collect(ours)
  ours.once('data', () => ours.pause())
  theirs.write(Buffer.alloc(1_000_000, 1))
  await eventually(() => chunks.length > 0)
  const other = await opened()
  const seen = collect(other.ours)
  other.theirs.write('now')
  await eventually(() => seen.length > 0)
  expect(chunks).toHaveLength(1)
  ours.resume()
  await eventually(() => lengthOf(chunks) === 1_000_000)
})

test('it counts what it has read, and ends and fails as others do', async () => {
  const { ours, theirs } = await opened()
  collect(ours)
  theirs.end('bye')
  await once(ours, 'end')
  expect(ours.bytesRead).toBe(3)
  await once(ours, 'close')

  const reset = await opened()
  collect(reset.ours)
  reset.theirs.resetAndDestroy()
  await expect(once(reset.ours, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' })
})
