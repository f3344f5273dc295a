import {
  fromFetch,
  fromNode,
  type HealthRequest,
  type NodeRequest,
  type NodeResponse,
} from './request.js'

/** A response before a server sends it. */
export interface HealthAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  /** Empty for HEAD. */
  readonly body: string
}

/**
 * Answers the probes of one kind: a request listener of `node:http`, a handler of Express, and with `fetch` a handler of
 * servers that take `Request` to `Response`. Answers GET and HEAD, at once; other methods get 405.
 */
export interface HealthHandler {
  (request: NodeRequest, response: NodeResponse, next?: unknown): void
  /** For Hono, Bun, Deno, and as the `GET` of a route of Next. */
  fetch(request: Request): Response
  /** For every other server: what to send. */
  answer(request: HealthRequest): HealthAnswer
}

/** A body and its status, by what is asked for. */
export interface Outcome {
  readonly status: number
  readonly body: object
}

/** As draft-inadarei-api-health-check names it. */
const CONTENT_TYPE = 'application/health+json'

export function createHandler(decide: (request: HealthRequest) => Outcome): HealthHandler {
  const handler = (request: NodeRequest, response: NodeResponse): void => {
    // A timeout of the server, or a middleware, may have answered.
    if (response.headersSent) return
    const { body, headers, status } = answer(fromNode(request))
    response.writeHead(status, headers)
    response.end(body)
  }
  const fetch = (request: Request): Response => {
    const { body, headers, status } = answer(fromFetch(request))
    return new Response(body === '' ? null : body, { status, headers })
  }
  return Object.assign(handler, { fetch, answer })

  function answer(request: HealthRequest): HealthAnswer {
    const { method } = request
    if (method !== 'GET' && method !== 'HEAD') {
      const headers = { allow: 'GET, HEAD', 'cache-control': 'no-store', 'content-length': '0' }
      return { status: 405, headers, body: '' }
    }
    const { body, status } = decide(request)
    const text = JSON.stringify(body)
    const headers = {
      'cache-control': 'no-store',
      'content-type': CONTENT_TYPE,
      'content-length': String(Buffer.byteLength(text)),
    }
    return { status, headers, body: method === 'HEAD' ? '' : text }
  }
}
