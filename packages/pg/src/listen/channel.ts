import { invalidOption } from '@connmgr/core/driver'

/** NAMEDATALEN - 1: what is longer PostgreSQL cuts off, and then tells of a channel that no caller asked for. */
const LONGEST_BYTES = 63
const NUL = String.fromCharCode(0)

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` if PostgreSQL has no channels of this name */
export function requireChannel(name: unknown): void {
  const ok =
    typeof name === 'string' &&
    name !== '' &&
    Buffer.byteLength(name) <= LONGEST_BYTES &&
    !name.includes(NUL)
  if (!ok) throw invalidOption('channel', name, `a string of 1 to ${LONGEST_BYTES} bytes`)
}

/** As an identifier, in which case and every character count. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
