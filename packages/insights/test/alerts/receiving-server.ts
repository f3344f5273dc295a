import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from '@connmgr/testing'

/** One request that has come in. */
interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: what tests look into
  readonly body: any
}

/** How the server answers a request: a status, and what goes with it; undefined for no answer at all. */
type Answer =
  | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
  | undefined

/** An HTTP server on a free port of 127.0.0.1 that keeps what it is sent. */
export interface ReceivingServer {
  readonly url: string
  readonly received: readonly Received[]
  answer: (request: Received) => Answer
  /** Resolves with the request when it has come in; counts from 0. */
  request(index: number): Promise<Received>
  close(): Promise<void>
}

export async function startReceivingServer(port = 0): Promise<ReceivingServer> {
  const received: Received[] = []
  const self = { answer: (_: Received): Answer => ({ status: 200 }) }
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      const each = { path: request.url ?? '', headers: request.headers, body: JSON.parse(text) }
      received.push(each)
      const answer = self.answer(each)
      if (answer !== undefined) response.writeHead(answer.status, answer.headers).end(answer.body)
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: chosen } = server.address() as AddressInfo
  return Object.assign(self, {
    url: `http://127.0.0.1:${chosen}`,
    received,
    async request(index: number) {
      await eventually(() => received.length > index)
      return received[index] as Received
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  })
}
