import { invalid } from '../config/rules.js'
import type { WritePosition } from '../driver/contract.js'

/** Version, timeline and position as hexadecimal numbers, system identifier. */
const FORMAT = /^1\.([0-9a-f]{0,8})\.([0-9a-f]{1,16})\.([\w%!~*'().-]{0,200})$/

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
export class WriteToken implements WritePosition {
  readonly systemId: string | undefined
  readonly timeline: number | undefined
  readonly position: bigint

  constructor({ systemId, timeline, position }: WritePosition) {
    this.systemId = systemId
    this.timeline = timeline
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
    const [, timeline = '', position = '', systemId = ''] = match
    return new WriteToken({
      systemId: systemId === '' ? undefined : decode(systemId, text),
      timeline: timeline === '' ? undefined : Number.parseInt(timeline, 16),
      position: BigInt(`0x${position}`),
    })
  }

  toString(): string {
    const { position, systemId = '', timeline } = this
    return `1.${timeline?.toString(16) ?? ''}.${position.toString(16)}.${encodeURIComponent(systemId)}`
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

function decode(systemId: string, text: string): string {
  try {
    return decodeURIComponent(systemId)
  } catch {
    // A lone percent sign, which toString never makes.
    throw malformed(text)
  }
}

function malformed(text: unknown): Error {
  return invalid('after', text, 'a token of manager.writeToken(), or its string, unchanged')
}
