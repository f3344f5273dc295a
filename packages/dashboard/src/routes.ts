import { type Answer, answer, plainAnswer } from './answer.js'
import { assetOf, pageOf } from './assets.js'

export interface RouteContext {
  readonly title: string
  /** The picture of now, as JSON. */
  readonly view: () => string
}

/**
 * Answers a request by the last segment of its path, so that it does not matter under which prefix the page is mounted, or
 * which part of that a proxy or a framework has taken away.
 *
 * @param path as the browser knows it, without the query
 * @param rest what the framework has left of it
 */
export function route(
  method: string | undefined,
  path: string,
  rest: string,
  { title, view }: RouteContext,
): Answer {
  if (method !== 'GET' && method !== 'HEAD')
    return plainAnswer(405, 'This only reads: GET and HEAD are its methods.', {
      allow: 'GET, HEAD',
    })
  switch (lastSegmentOf(rest)) {
    case 'page.js':
      return answer(200, 'text/javascript; charset=utf-8', assetOf('page.js'))
    case 'page.css':
      return answer(200, 'text/css; charset=utf-8', assetOf('page.css'))
    case 'view.json':
      return answer(200, 'application/json; charset=utf-8', view())
    case 'events':
      return answer(200, 'text/event-stream; charset=utf-8', 'events', {
        'x-accel-buffering': 'no',
      })
    default:
      return pageAnswer(path, title)
  }
}

/** The page loads its files from beside it, so its own path has to end in a slash. */
function pageAnswer(path: string, title: string): Answer {
  if (path.endsWith('/')) return answer(200, 'text/html; charset=utf-8', pageOf(title))
  return plainAnswer(302, 'The page is there.', { location: `./${lastSegmentOf(path)}/` })
}

export function lastSegmentOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
