import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { InvalidOptionError, redactText } from '@connmgr/core'
import { AlertDeliveryError, AlertRefusedError } from './alert-errors.js'
import { withoutPaths } from './hidden-paths.js'

/** Of an answer no more is kept. */
const MOST_BYTES = 16_384
/** Of an answer no more is shown. */
const MOST_SHOWN = 200
/** A payload that is refused with one of these is refused for ever. */
const REFUSED = [400, 413, 415, 422]
/** Parts of an address that are shorter may stand in any text. */
const SHORTEST_SECRET = 4

/** The names and values of HTTP headers. */
export type HeaderFields = Readonly<Record<string, string>>

/**
 * The HTTP address of a receiver of alerts. Such addresses hold secrets, in any part of them: what is shown is the
 * beginning alone, and what others say of it is shown without them.
 */
export class Receiver {
  readonly #url: URL
  readonly #headers: HeaderFields
  readonly #secrets: readonly string[]
  /** Its scheme and host. */
  readonly shown: string

  /**
   * @param option names it in errors
   * @param secrets that are sent to it otherwise
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if it is no http or https URL
   */
  constructor(
    option: string,
    url: unknown,
    { headers = {}, secrets = [] }: { headers?: HeaderFields; secrets?: readonly string[] } = {},
  ) {
    this.#url = parse(option, url)
    this.#headers = headers
    this.shown = this.#url.origin
    this.#secrets = [...partsOf(this.#url), ...Object.values(headers), ...secrets]
      .filter((part) => part.length >= SHORTEST_SECRET)
      .sort((a, b) => b.length - a.length)
  }

  toJSON(): string {
    return this.shown
  }

  /**
   * Sends `body` as JSON. Neither the request nor its connection keeps the process running.
   *
   * @throws AlertRefusedError if it is not accepted and never will be
   * @throws AlertDeliveryError if it was not accepted, or is not known to have been
   */
  async post(body: object, signal: AbortSignal): Promise<void> {
    const answer = await this.#send(JSON.stringify(body), signal).catch((error: unknown) => {
      throw new AlertDeliveryError(
        `${this.shown} cannot be reached: ${this.#withoutSecrets(error)}`,
      )
    })
    const { status, retryAfter, text } = answer
    if (status >= 200 && status < 300) return
    if (!REFUSED.includes(status))
      throw new AlertDeliveryError(`${this.shown} answered with status ${status}`, {
        retryAfterMs: retryAfterMs(retryAfter),
      })
    const why = this.#withoutSecrets(text.slice(0, MOST_SHOWN)).trim()
    throw new AlertRefusedError(
      `${this.shown} refused it with status ${status}${why === '' ? '' : `: ${why}`}`,
    )
  }

  #send(
    body: string,
    signal: AbortSignal,
  ): Promise<{ status: number; retryAfter: string | undefined; text: string }> {
    return new Promise((resolve, reject) => {
      const send = this.#url.protocol === 'https:' ? requestHttps : requestHttp
      const request = send(this.#url, {
        method: 'POST',
        // A kept connection would be one that the receiver closed in its restart.
        agent: false,
        signal,
        headers: {
          'user-agent': 'connmgr',
          ...this.#headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      })
      request.on('socket', (socket) => socket.unref())
      request.on('error', reject)
      request.on('response', (response) => {
        const { statusCode = 0, headers } = response
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          if (text.length < MOST_BYTES) text += chunk
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: statusCode, retryAfter: headers['retry-after'], text }),
        )
      })
      request.end(body)
    })
  }

  /** Receivers and Node itself quote the address. */
  #withoutSecrets(said: unknown): string {
    let text = said instanceof Error ? said.message : String(said)
    for (const secret of this.#secrets) text = text.replaceAll(secret, '***')
    return redactText(withoutPaths(text))
  }
}

/** Only what is given in seconds: dates would have to be compared with the clock of the receiver. */
function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined
}

function parse(option: string, given: unknown): URL {
  const text = given instanceof URL ? given.href : given
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  // Not even a part of it is shown: who mistypes the address of a webhook mistypes a secret.
  throw new InvalidOptionError(
    option,
    `option "${option}" must be an http or https URL, but it is ${url === undefined ? `${given === null ? 'null' : typeof given}, and no URL` : `one of another scheme (${url.protocol})`}`,
  )
}

function partsOf(url: URL): string[] {
  const encoded = [
    url.username,
    url.password,
    url.pathname,
    url.search,
    ...url.pathname.split('/'),
    ...url.searchParams.values(),
  ]
  return [...new Set(encoded.flatMap((part) => [part, decoded(part)]))]
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
