import { copyOf, type Field } from './standard-query.js'

const SLOTS = 256
/** A longer one, of a hundred columns or more, is read again each time. */
const LONGEST = 8192
/** Bytes that tell descriptions of one length apart. */
const SAMPLES = 16

interface Known {
  readonly bytes: Buffer
  readonly fields: readonly Field[]
}

/** What the server has said of columns lately, by the bytes that it said it in: what is the same is not read again. */
export class KnownDescriptions {
  readonly #known: (Known | undefined)[] = new Array(SLOTS).fill(undefined)

  get(bytes: Buffer, from: number, to: number): readonly Field[] | undefined {
    const known = this.#known[slotOf(bytes, from, to)]
    return known !== undefined && bytes.compare(known.bytes, 0, known.bytes.length, from, to) === 0
      ? known.fields
      : undefined
  }

  learn(bytes: Buffer, from: number, to: number, fields: readonly Field[]): void {
    if (to - from > LONGEST) return
    this.#known[slotOf(bytes, from, to)] = {
      bytes: Buffer.from(bytes.subarray(from, to)),
      fields: fields.map(copyOf),
    }
  }
}

function slotOf(bytes: Buffer, from: number, to: number): number {
  let hash = to - from
  const step = Math.max(1, Math.floor(hash / SAMPLES))
  for (let at = from; at < to; at += step) hash = (hash * 31 + (bytes[at] as number)) | 0
  return (hash ^ (hash >>> 8)) & (SLOTS - 1)
}
