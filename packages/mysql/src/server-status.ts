import type { Command, Packet } from './internals.js'

const IN_TRANSACTION = 1
const AUTOCOMMIT = 2
const NO_BACKSLASH_ESCAPES = 512

/** The bits of the server's status that decide something, as it puts them into its answers. */
export interface ServerStatus {
  /** In a transaction, begun by a statement or, without autocommit, by itself. */
  readonly inTransaction: boolean
  readonly autocommit: boolean
  /** A backslash within a string stands for itself. */
  readonly plainBackslash: boolean
}

const STATUSES = new Map<number, ServerStatus>()
const KNOWN = IN_TRANSACTION | AUTOCOMMIT | NO_BACKSLASH_ESCAPES

/** @param flags as in the packet */
export function statusOf(flags: number): ServerStatus {
  const known = flags & KNOWN
  let status = STATUSES.get(known)
  if (status === undefined) {
    status = {
      inTransaction: (flags & IN_TRANSACTION) !== 0,
      autocommit: (flags & AUTOCOMMIT) !== 0,
      plainBackslash: (flags & NO_BACKSLASH_ESCAPES) !== 0,
    }
    STATUSES.set(known, status)
  }
  return status
}

/**
 * The status flags at the end of an answer, or of one of several; undefined for a packet that has none. mysql2 keeps them
 * on the result of a statement without rows alone. To be called before the command reads the packet.
 */
export function statusFlagsOf(command: Command, packet: Packet): number | undefined {
  const { next } = command
  if (next === undefined || next === null) return undefined
  const { buffer, offset, end } = packet
  const first = buffer[offset]
  if (next === command.row) {
    if (first !== 0xfe || end - offset > 8) return undefined
    return buffer.readUInt16LE(offset + 3)
  }
  const answersOk =
    next === command.resultsetHeader ||
    next === command.infileOk ||
    next === command.pingResponse ||
    next === command.resetConnectionResponse ||
    next === command.handshakeResult
  return answersOk && first === 0 ? okFlags(packet) : undefined
}

/** The flags of an OK packet: behind two numbers of variable length. */
export function okFlags({ buffer, offset, end }: Packet): number | undefined {
  if (buffer[offset] !== 0) return undefined
  const flags = behindNumber(buffer, behindNumber(buffer, offset + 1))
  return flags + 2 <= end ? buffer.readUInt16LE(flags) : undefined
}

function behindNumber(buffer: Buffer, at: number): number {
  switch (buffer[at]) {
    case 0xfc:
      return at + 3
    case 0xfd:
      return at + 4
    case 0xfe:
      return at + 9
    default:
      return at + 1
  }
}
