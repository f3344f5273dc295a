import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { eventually } from '../eventually.js'
import { type FaultProxy, startFaultProxy } from './fault-proxy.js'

/** Answers every line with the same line, and remembers its sockets. */
class EchoServer {
  readonly sockets: Socket[] = []
  readonly received: string[] = []
  readonly #server: Server

  constructor() {
    this.#server = createServer((socket) => {
      this.sockets.push(socket)
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        this.received.push(chunk.toString())
        socket.write(chunk)
      })
    })
  }

  async listen(): Promise<{ host: string; port: number }> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port }
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

let server: EchoServer
let proxy: FaultProxy
const clients: Socket[] = []

beforeEach(async () => {
  server = new EchoServer()
  proxy = await startFaultProxy({ target: await server.listen() })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.close()
  await server.close()
})

async function open(): Promise<Socket> {
  const client = connect({ host: proxy.host, port: proxy.port, noDelay: true })
  clients.push(client)
  await once(client, 'connect')
  // What becomes of it is looked at in the tests.
  client.on('error', () => {})
  return client
}

async function echo(client: Socket, text: string): Promise<string> {
  const answer = once(client, 'data')
  client.write(text)
  return String((await answer)[0])
}

/** Whether nothing arrives while another server is asked, and answers, many times. */
async function staysSilent(client: Socket): Promise<boolean> {
  let seen = false
  const listener = () => {
    seen = true
  }
  client.on('data', listener).on('close', listener)
  const witness = new EchoServer()
  const socket = connect(await witness.listen())
  for (let i = 0; i < 20; i += 1) await echo(socket, 'still there?')
  await witness.close()
  socket.destroy()
  client.off('data', listener).off('close', listener)
  return !seen
}

function closed(client: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let code: string | undefined
    client.once('error', (error: NodeJS.ErrnoException) => {
      code = error.code
    })
    client.once('close', () => resolve(code))
    client.resume()
  })
}

test('passes bytes both ways and counts connections', async () => {
  const client = await open()
  expect(await echo(client, 'hello')).toBe('hello')
  expect([proxy.connections, proxy.accepted]).toEqual([1, 1])
})

test('passes megabytes unchanged', async () => {
  const client = await open()
  const sent = Buffer.alloc(4_000_000, 'abcdefghij')
  const received: Buffer[] = []
  let length = 0
  const all = new Promise<void>((resolve) => {
    client.on('data', (chunk: Buffer) => {
      received.push(chunk)
      length += chunk.length
      if (length === sent.length) resolve()
    })
  })
  client.write(sent)
  await all
  expect(Buffer.concat(received).equals(sent)).toBe(true)
})

test('passes on the end of a stream and a reset', async () => {
  const polite = await open()
  await echo(polite, 'x')
  const ended = once(server.sockets[0] as Socket, 'end')
  polite.end()
  await ended

  const rude = await open()
  await echo(rude, 'x')
  const gone = closed(rude)
  server.sockets[1]?.resetAndDestroy()
  expect(await gone).toBe('ECONNRESET')
})

test('a target that refuses resets the client', async () => {
  await server.close()
  const client = connect(proxy.port, proxy.host)
  clients.push(client)
  expect(await closed(client)).toBe('ECONNRESET')
})

test('latency delays both directions and keeps the order', async () => {
  const client = await open()
  await echo(client, 'warm')
  proxy.latency(30)
  const startedAt = performance.now()
  let text = ''
  const all = new Promise<void>((resolve) => {
    client.on('data', (chunk) => {
      text += chunk.toString()
      if (text.length === 3) resolve()
    })
  })
  client.write('1')
  await new Promise((resolve) => setImmediate(resolve))
  client.write('2')
  await new Promise((resolve) => setImmediate(resolve))
  client.write('3')
  await all
  expect(text).toBe('123')
  // timers may fire a fraction of a millisecond early
  expect(performance.now() - startedAt).toBeGreaterThan(58)
})

test('a connection takes a round trip to come about, and jitter and stalls keep the order', async () => {
  proxy.latency(20)
  const startedAt = performance.now()
  const client = await open()
  await echo(client, 'first')
  expect(performance.now() - startedAt).toBeGreaterThan(78)
  proxy.latency(0)
  proxy.jitter(15)
  proxy.stalls(0.5, 25)
  const chunks: string[] = []
  client.on('data', (chunk) => chunks.push(String(chunk)))
  for (const word of ['a', 'b', 'c', 'd']) {
    client.write(word)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await eventually(() => chunks.join('') === 'abcd')
  proxy.jitter(0)
  proxy.stalls(1, 50)
  const stalledAt = performance.now()
  client.write('e')
  await eventually(() => chunks.join('') === 'abcde')
  expect(performance.now() - stalledAt).toBeGreaterThan(98)
})

test('a black hole swallows nothing for good: after the heal everything arrives', async () => {
  const client = await open()
  await echo(client, 'before')
  proxy.blackHole('both')
  client.write('during')
  expect(await staysSilent(client)).toBe(true)
  expect(server.received).toEqual(['before'])
  const answer = once(client, 'data')
  await proxy.heal()
  expect(String((await answer)[0])).toBe('during')
})

test('a black hole to the client lets the server receive', async () => {
  const client = await open()
  await echo(client, 'before')
  proxy.blackHole('to-client')
  const received = once(server.sockets[0] as Socket, 'data')
  client.write('during')
  await received
  expect(await staysSilent(client)).toBe(true)
})

test('a black hole to the server lets the server speak', async () => {
  const client = await open()
  await echo(client, 'before')
  proxy.blackHole('to-server')
  client.write('unheard')
  const notice = once(client, 'data')
  server.sockets[0]?.write('notice')
  expect(String((await notice)[0])).toBe('notice')
  expect(server.received).toEqual(['before'])
})

test('during a black hole connections are accepted, and reach the server after the heal', async () => {
  proxy.blackHole('both')
  const client = await open()
  client.write('hello')
  expect(await staysSilent(client)).toBe(true)
  expect(server.sockets).toEqual([])
  const answer = once(client, 'data')
  await proxy.heal()
  expect(String((await answer)[0])).toBe('hello')
})

test('neither end hears of a close during a black hole', async () => {
  const client = await open()
  await echo(client, 'x')
  proxy.blackHole('both')
  server.sockets[0]?.destroy()
  expect(await staysSilent(client)).toBe(true)
  const gone = closed(client)
  await proxy.heal()
  client.end()
  await gone
})

test('refuse turns new connections away and keeps the old ones, heal listens on the same port', async () => {
  const client = await open()
  await echo(client, 'x')
  const { port } = proxy
  proxy.refuse()
  proxy.refuse()
  const refused = connect(proxy.port, proxy.host)
  clients.push(refused)
  expect(await closed(refused)).toBe('ECONNREFUSED')
  expect(await echo(client, 'still here')).toBe('still here')
  await proxy.heal()
  expect(proxy.port).toBe(port)
  expect(await echo(await open(), 'again')).toBe('again')
})

test('reset breaks every connection at both ends', async () => {
  const client = await open()
  await echo(client, 'x')
  const both = [closed(client), closed(server.sockets[0] as Socket)]
  proxy.reset()
  expect(await Promise.all(both)).toEqual(['ECONNRESET', 'ECONNRESET'])
  expect(await echo(await open(), 'new')).toBe('new')
})

test('a half-open connection is dead without a word until the network works again', async () => {
  const client = await open()
  await echo(client, 'x')
  const serverSide = closed(server.sockets[0] as Socket)
  proxy.halfOpen()
  expect(await serverSide).toBe('ECONNRESET')
  client.write('anybody?')
  expect(await staysSilent(client)).toBe(true)
  expect(await echo(await open(), 'new ones work')).toBe('new ones work')
  const gone = closed(client)
  await proxy.heal()
  expect(await gone).toBe('ECONNRESET')
})

test('retarget leads new connections to another server and lets the old ones go on', async () => {
  const old = await open()
  await echo(old, 'to the old one')
  const other = new EchoServer()
  proxy.retarget(await other.listen())
  const client = await open()
  expect(await echo(client, 'to the new one')).toBe('to the new one')
  expect(await echo(old, 'still here')).toBe('still here')
  expect(other.received).toEqual(['to the new one'])
  await other.close()
})

test('an abandoned connection stays silent when the network works again, and new ones work', async () => {
  const client = await open()
  await echo(client, 'x')
  proxy.blackHole('both')
  proxy.abandon()
  client.write('anybody?')
  await proxy.heal()
  expect(await staysSilent(client)).toBe(true)
  expect(server.received).toEqual(['x'])
  expect(await echo(await open(), 'new ones work')).toBe('new ones work')
})

test('close ends every connection and frees the port', async () => {
  const client = await open()
  await echo(client, 'x')
  const gone = closed(client)
  await proxy.close()
  await gone
  expect(proxy.connections).toBe(0)
  const refused = connect(proxy.port, proxy.host)
  clients.push(refused)
  expect(await closed(refused)).toBe('ECONNREFUSED')
})

test('what gets lost arrives all the same, later and in order', async () => {
  const client = await open()
  await echo(client, 'warm')
  proxy.loss(0.5)
  const chunks: string[] = []
  client.on('data', (chunk) => chunks.push(String(chunk)))
  for (const word of ['a', 'b', 'c', 'd']) client.write(word)
  await eventually(() => chunks.join('') === 'abcd')
  await proxy.heal()
  expect(await echo(client, 'healed')).toBe('healed')
})

test('listens on another address of this machine, at a port of choice', async () => {
  const other = await startFaultProxy({
    target: { host: '127.0.0.1', port: proxy.port },
    host: '127.0.0.2',
    port: proxy.port,
  })
  const client = connect({ host: '127.0.0.2', port: proxy.port, noDelay: true })
  clients.push(client)
  expect(await echo(client, 'hello')).toBe('hello')
  await other.close()
})
