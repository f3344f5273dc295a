/** What a request is answered with, before it is written to a response of `node:http` or of `fetch`. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** `events` for a stream of pictures. */
  readonly body: Buffer | string | 'events'
}

/** Nothing but this package's own files may run or be loaded, and no other page may show this one in a frame. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export function answer(
  status: number,
  contentType: string,
  body: Answer['body'],
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, body, headers: { ...HEADERS, 'content-type': contentType, ...headers } }
}

export function plainAnswer(
  status: number,
  text: string,
  headers?: Record<string, string>,
): Answer {
  return answer(status, 'text/plain; charset=utf-8', `${text}\n`, headers)
}

export function jsonAnswer(
  status: number,
  body: object,
  headers?: Readonly<Record<string, string>>,
): Answer {
  return answer(status, 'application/json; charset=utf-8', JSON.stringify(body), headers)
}
