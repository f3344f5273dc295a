import { request as httpRequest } from 'node:http'
import express from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { close, type Harness, manage } from '../../core/test/harness.js'
import { serve } from '../test/served.js'
import { fastifyHealth, type HealthHandlers, healthHandlers } from './index.js'

let h: Harness
let handlers: HealthHandlers
beforeEach(async () => {
  h = manage({ healthMonitoring: true })
  handlers = healthHandlers(h.manager, { clock: h.clock })
  await h.clock.advance(1000)
})
afterEach(() => close(h))

interface Mounted {
  readonly url: string
  [Symbol.asyncDispose](): Promise<void>
}

/** Each mounts the handlers at /livez, /readyz and /startupz, beside a route of its own. */
const SERVERS: Record<string, () => Promise<Mounted>> = {
  'node:http': () => {
    const { live, ready, startup } = handlers
    const routes: Record<string, typeof live> = {
      '/livez': live,
      '/readyz': ready,
      '/startupz': startup,
    }
    return serve((request, response) => {
      const handler = routes[request.url?.split('?')[0] ?? '']
      if (handler === undefined) response.end('hello')
      else handler(request, response)
    })
  },
  'Express routes': () => {
    const app = express()
    app.get('/livez', handlers.live)
    app.get('/readyz', handlers.ready)
    app.get('/startupz', handlers.startup)
    app.get('/hello', (_request, response) => void response.send('hello'))
    return serve(app)
  },
  'Express middleware': () => {
    const app = express()
    app.use('/livez', handlers.live)
    app.use('/readyz', handlers.ready)
    app.use('/startupz', handlers.startup)
    app.use((_request, response) => void response.send('hello'))
    return serve(app)
  },
  'a plugin of Fastify': async () => {
    const app = fastify()
    app.register(fastifyHealth, { handlers })
    app.get('/hello', () => 'hello')
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    return { url, [Symbol.asyncDispose]: () => app.close() }
  },
}

describe.each(Object.entries(SERVERS))('over %s', (_name, start) => {
  test('GET and HEAD are answered, and nothing keeps an answer', async () => {
    await using mounted = await start()
    for (const path of ['/livez', '/readyz?verbose=1', '/startupz']) {
      const got = await fetch(mounted.url + path)
      expect(got.status).toBe(200)
      expect(got.headers.get('content-type')).toBe('application/health+json')
      expect(got.headers.get('cache-control')).toBe('no-store')
      expect(await got.json()).toMatchObject({ status: 'pass' })
      const head = await fetch(mounted.url + path, { method: 'HEAD' })
      expect(head.status).toBe(200)
      expect(await head.text()).toBe('')
      for (const name of ['content-type', 'content-length', 'cache-control'])
        expect(head.headers.get(name)).toBe(got.headers.get(name))
    }
    expect(await (await fetch(`${mounted.url}/hello`)).text()).toBe('hello')
  })

  test('readiness is 503 while the process shuts down, and liveness 200', async () => {
    await using mounted = await start()
    await handlers.shutdown()
    expect((await fetch(`${mounted.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${mounted.url}/readyz`, { method: 'HEAD' })).status).toBe(503)
    expect((await fetch(`${mounted.url}/livez`)).status).toBe(200)
  })
})

test('other methods are not allowed', async () => {
  await using mounted = await serve(handlers.ready)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await fetch(mounted.url, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await response.text()).toBe('')
    const same = handlers.ready.fetch(new Request('http://x/', { method }))
    expect([same.status, same.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  }
})

test('a response that has begun is left alone', async () => {
  await using mounted = await serve((request, response) => {
    response.writeHead(204).end()
    handlers.ready(request, response)
  })
  expect((await fetch(mounted.url)).status).toBe(204)
})

test('a connection is kept for the next probe', async () => {
  await using mounted = await serve(handlers.ready)
  const sockets = new Set<unknown>()
  mounted.server.on('connection', (socket) => sockets.add(socket))
  const { Agent } = await import('node:http')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let asked = 0; asked < 3; asked += 1) {
    await new Promise<void>((resolve, reject) => {
      httpRequest(mounted.url, { agent }, (response) => {
        response.resume().on('end', resolve)
      })
        .on('error', reject)
        .end()
    })
  }
  agent.destroy()
  expect(sockets.size).toBe(1)
})

describe('the fetch form', () => {
  test.each(['live', 'ready', 'startup'] as const)(
    'of %s answers as the other does',
    async (kind) => {
      // As a handler that is passed on by itself.
      const { fetch } = handlers[kind]
      const got = fetch(new Request('http://x/probe'))
      expect(got).toBeInstanceOf(Response)
      expect(got.status).toBe(200)
      expect(got.headers.get('content-type')).toBe('application/health+json')
      expect(got.headers.get('cache-control')).toBe('no-store')
      const text = await got.text()
      expect(JSON.parse(text)).toMatchObject({ status: 'pass' })
      const head = fetch(new Request('http://x/probe', { method: 'HEAD' }))
      expect([head.status, await head.text()]).toEqual([200, ''])
      expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
    },
  )

  test('sees the headers of a request', async () => {
    const { ready } = healthHandlers(h.manager, {
      clock: h.clock,
      details: (request) => (request.header('X-Token') === 'ok' ? 'full' : 'none'),
    })
    const keysOf = async (headers: Record<string, string>) =>
      Object.keys((await ready.fetch(new Request('http://x/', { headers })).json()) as object)
    expect(await keysOf({})).toEqual(['status'])
    expect(await keysOf({ 'x-token': 'ok' })).toEqual(['status', 'checks'])
  })
})

describe('the plugin of Fastify', () => {
  const statusesOf = async (app: FastifyInstance, ...urls: string[]): Promise<number[]> => {
    const answers = await Promise.all(urls.map((url) => app.inject(url)))
    return answers.map((each) => each.statusCode)
  }

  test('makes handlers of its own, at paths and a prefix that can be chosen', async () => {
    const app = fastify()
    await app.register(fastifyHealth, {
      managers: [h.manager],
      details: 'none',
      clock: h.clock,
      prefix: '/internal',
      paths: { live: '/up', startup: false },
    })
    expect(await statusesOf(app, '/internal/up', '/internal/readyz', '/internal/startupz')).toEqual(
      [200, 200, 404],
    )
    expect((await app.inject('/internal/readyz')).json()).toEqual({ status: 'pass' })
    await app.close()
  })

  test('marks the process as draining when Fastify begins to close', async () => {
    const app = fastify({ return503OnClosing: false })
    app.register(fastifyHealth, { handlers })
    await app.ready()
    await app.close()
    expect(handlers.draining).toBe(true)
    expect(h.manager.closed).toBe(false)
  })

  test.each([
    [{}, 'option "managers" must be a manager or several, unless there are "handlers"'],
    [{ handlers: {}, graceMs: 1 }, 'option "handlers" must be given without options of handlers'],
    [
      { manager: {} },
      'unknown option "manager" in the options of fastifyHealth; did you mean "managers"?',
    ],
    [{ handlers: {}, paths: { livez: '/x' } }, 'unknown option "livez" in paths'],
    [
      { handlers: {}, paths: { live: 'up' } },
      'option "paths.live" must be a path that begins with "/"',
    ],
  ])('refuses %p', async (options, message) => {
    const app = fastify()
    await expect(app.register(fastifyHealth, options as object)).rejects.toThrow(message)
    await app.close()
  })
})
