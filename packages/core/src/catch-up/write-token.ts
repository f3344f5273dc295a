import { invalid } from '../config/rules.js'
import type { WritePlace } from '../driver/replication.js'

/** Version, cluster, history and position, each as a part of a URL. */
const FORMAT = /^2:([\w%!~*'().-]{0,200}):([\w%!~*'().-]{0,3000}):([\w%!~*'().-]{0,3000})$/

/**
 * What had been written when it was taken: a read after it sees everything that was committed before it. Made by
 * `manager.writeToken()`. As a string it is short and fits into a cookie, a header or a URL as it is; what is in it is
 * connmgr's affair.
 *
 * @example
 * response.cookie('written', String(await manager.writeToken()))
 * // with the next request, in whichever process
 * await manager.use(read, { target: 'prefer-standby', after: request.cookies.written })
 */
export class WriteToken implements WritePlace {
  /** The cluster that it was written in. */
  readonly cluster: string | undefined
  /** As the driver calls where the writer was. */
  readonly history: string | undefined
  readonly position: string | undefined

  constructor({ cluster, history, position }: WritePlace) {
    this.cluster = cluster
    this.history = history
    this.position = position
  }

  /**
   * The token that a string was made of.
   *
   * @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if it is none
   */
  static parse(text: string): WriteToken {
    const match = typeof text === 'string' ? FORMAT.exec(text) : null
    if (match === null) throw malformed(text)
    const [cluster, history, position] = match.slice(1).map((part) => decode(part, text))
    if (history === undefined && position === undefined) throw malformed(text)
    return new WriteToken({ cluster, history, position })
  }

  toString(): string {
    const { cluster, history, position } = this
    return [
      '2',
      ...[cluster, history, position].map((part) => encodeURIComponent(part ?? '')),
    ].join(':')
  }

  toJSON(): string {
    return this.toString()
  }
}

/** `after`, as callers may give it. */
export function tokenOf(after: WriteToken | string): WriteToken {
  // Through its string also if another copy of this package made it.
  return after instanceof WriteToken ? after : WriteToken.parse(String(after))
}

function decode(part: string, text: string): string | undefined {
  try {
    return decodeURIComponent(part) || undefined
  } catch {
    // A lone percent sign, which toString never makes.
    throw malformed(text)
  }
}

function malformed(text: unknown): Error {
  return invalid('after', text, 'a token of manager.writeToken(), or its string, unchanged')
}
