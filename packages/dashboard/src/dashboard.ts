import type { IncomingMessage, ServerResponse } from 'node:http'
import { admit } from './access.js'
import { answerActions } from './actions/answer-actions.js'
import { type Answer, plainAnswer } from './answer.js'
import { type DashboardManagers, type DashboardOptions, resolveOptions } from './options.js'
import { lastSegmentOf, route } from './routes.js'
import { type Viewer, ViewStream } from './stream.js'
import { takeView } from './take-view.js'
import { Timelines } from './timelines.js'
import type { DashboardView } from './view.js'

/** A page that is mounted: a handler of `node:http` and Express, which is also a handler of `fetch`. */
export interface Dashboard {
  (request: IncomingMessage, response: ServerResponse): void
  /** For frameworks whose requests and responses are those of `fetch`. Needs `authorize`. */
  fetch(request: Request): Promise<Response>
  /** What the page shows now. */
  view(): DashboardView
  /** Ends the open pages, and keeps nothing more of what happens. Closing a manager does not. */
  close(): void
}

/** Frameworks keep what the browser has asked for here when they take the prefix away. */
type MountedRequest = IncomingMessage & { readonly originalUrl?: string }

const REFUSED =
  'This page is not for you: the option "authorize" of dashboard() says who may see it. Without it, only browsers on the same machine may.'
const FULL = 'Too many pages are open.'

/**
 * Makes a page that shows live what connection managers do: how they are, in words, who holds connections, who waits, which
 * statements take the time, and what has happened. It borrows no connection, and costs nothing while no page is
 * open but for keeping the latest events. It only reads, unless the option `actions` says what may be done from there.
 *
 * @param managers `@default` all managers of the process, also those that are made later
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * app.use('/connmgr', dashboard(manager, { authorize: (request) => isAdmin(request) }))
 */
export function dashboard(managers?: DashboardManagers, options: DashboardOptions = {}): Dashboard {
  const resolved = resolveOptions(managers, options)
  const { authorize, intervalMs, title } = resolved
  const timelines = new Timelines()
  timelines.follow(resolved.managers())
  const view = (): DashboardView => {
    timelines.follow(resolved.managers())
    return takeView(resolved, timelines)
  }
  const context = { title, view: () => JSON.stringify(view()) }
  const stream = new ViewStream(context.view, intervalMs)

  const answerTo = async (
    request: IncomingMessage | Request,
    path: string,
    rest: string,
  ): Promise<Answer> => {
    const visitor = await admit(request, { action: 'view' }, authorize)
    if (visitor === undefined) return plainAnswer(403, REFUSED)
    if (lastSegmentOf(rest) === 'actions') return answerActions(request, resolved)
    const found = route(request.method, path, rest, context)
    return found.body === 'events' && stream.isFull ? plainAnswer(503, FULL) : found
  }

  const handle = (request: MountedRequest, response: ServerResponse): void => {
    const rest = pathOf(request.url)
    answerTo(request, pathOf(request.originalUrl ?? request.url), rest)
      .catch(failed)
      .then((found) => {
        response.writeHead(found.status, found.headers)
        if (found.body !== 'events')
          response.end(request.method === 'HEAD' ? undefined : found.body)
        else if (request.method === 'HEAD') response.end()
        else joinByNode(stream, response)
      })
  }

  return Object.assign(handle, {
    fetch: async (request: Request): Promise<Response> => {
      const { pathname } = new URL(request.url)
      const { body, headers, status } = await answerTo(request, pathname, pathname).catch(failed)
      const init = { status, headers: { ...headers } }
      if (request.method === 'HEAD') return new Response(null, init)
      if (body !== 'events') return new Response(new Uint8Array(Buffer.from(body)), init)
      return new Response(streamOf(stream), init)
    },
    view,
    close: () => {
      stream.close()
      timelines.stop()
    },
  })
}

/** What went wrong may hold secrets, and goes to no browser. */
function failed(): Answer {
  return plainAnswer(500, 'The page could not be made.')
}

function pathOf(url = '/'): string {
  const [path = '/'] = url.split('?', 1)
  return path
}

function joinByNode(stream: ViewStream, response: ServerResponse): void {
  const viewer: Viewer = {
    send: (text) => response.write(text),
    end: () => response.end(),
  }
  response.on('drain', () => stream.drained(viewer))
  // Pages come and go.
  response.on('error', () => stream.leave(viewer))
  response.on('close', () => stream.leave(viewer))
  stream.join(viewer)
}

function streamOf(stream: ViewStream): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let viewer: Viewer | undefined
  return new ReadableStream<Uint8Array>({
    start(controller) {
      viewer = {
        send: (text) => {
          controller.enqueue(encoder.encode(text))
          return (controller.desiredSize ?? 0) > 0
        },
        end: () => controller.close(),
      }
      stream.join(viewer)
    },
    pull() {
      if (viewer !== undefined) stream.drained(viewer)
    },
    cancel() {
      if (viewer !== undefined) stream.leave(viewer)
    },
  })
}
