import type { Packet } from '../internals.js'

/** The error in a packet, without moving its offset. */
export function errorIn({
  buffer,
  end,
  offset,
}: Packet): Error & { errno: number; sqlState: string } {
  const errno = buffer.readUInt16LE(offset + 1)
  const hasState = buffer[offset + 3] === 0x23
  const sqlState = hasState ? buffer.toString('latin1', offset + 4, offset + 9) : ''
  const message = buffer.toString('utf8', offset + (hasState ? 9 : 3), end)
  return Object.assign(new Error(message), { errno, sqlState })
}
