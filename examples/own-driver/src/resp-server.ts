import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'

/** A small server that speaks RESP, in place of a real one: a primary, or a copy of another. */
export class RespServer {
  readonly #data: Map<string, string>
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #offset = 0
  readonly #copies: RespServer[] = []

  constructor(readonly source?: RespServer) {
    this.#data = new Map(source?.readAll())
    if (source !== undefined) source.#copies.push(this)
    this.isPrimary = source === undefined
    this.#server = createServer((socket) => {
      this.#sockets.add(socket.on('close', () => this.#sockets.delete(socket)))
      let queued: string[][] | undefined
      socket.on('error', () => {})
      socket.on('data', (text) => {
        for (const words of commandsOf(String(text))) {
          const name = words[0]?.toUpperCase()
          if (name === 'MULTI') queued = []
          else if (name === 'EXEC') {
            const replies = (queued ?? []).map((each) => this.#run(each))
            socket.write(`*${replies.length}\r\n${replies.join('')}`)
            queued = undefined
            continue
          } else if (name === 'DISCARD') queued = undefined
          else if (queued !== undefined) {
            queued.push(words)
            socket.write('+QUEUED\r\n')
            continue
          }
          socket.write(this.#run(words))
        }
      })
    })
  }

  isPrimary: boolean

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  promote(): void {
    this.isPrimary = true
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  readAll(): ReadonlyMap<string, string> {
    return this.#data
  }

  #run([name = '', key = '', value = '']: string[]): string {
    switch (name.toUpperCase()) {
      case 'ROLE':
        return this.isPrimary
          ? `*3\r\n+master\r\n:${this.#offset}\r\n*0\r\n`
          : `*5\r\n+slave\r\n+primary\r\n:6379\r\n+connected\r\n:${this.#offset}\r\n`
      case 'GET': {
        const found = this.#data.get(key)
        return found === undefined ? '$-1\r\n' : `$${Buffer.byteLength(found)}\r\n${found}\r\n`
      }
      case 'SET':
        if (!this.isPrimary) return "-READONLY You can't write against a read only replica.\r\n"
        this.#write(key, value)
        return '+OK\r\n'
      default:
        return name.toUpperCase() === 'PING' ? '+PONG\r\n' : '+OK\r\n'
    }
  }

  #write(key: string, value: string): void {
    this.#data.set(key, value)
    this.#offset += 1
    for (const copy of this.#copies) copy.#write(key, value)
  }
}

function commandsOf(text: string): string[][] {
  return text
    .split(/\*\d+\r\n/)
    .slice(1)
    .map((command) => command.split('\r\n').filter((line, index) => index % 2 === 1 && line !== ''))
}
