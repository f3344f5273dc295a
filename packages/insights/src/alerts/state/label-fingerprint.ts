const OFFSET = 0xcbf29ce484222325n
const PRIME = 0x100000001b3n
const MASK = 0xffffffffffffffffn
/** Stands between names and values, and is part of no text. */
const SEPARATOR = 0xff

/** The fingerprint of labels as Alertmanager computes it: FNV-1a over the sorted names and values. */
export function labelFingerprint(labels: Readonly<Record<string, string>>): string {
  let hash = OFFSET
  const add = (byte: number): void => {
    hash = ((hash ^ BigInt(byte)) * PRIME) & MASK
  }
  for (const name of Object.keys(labels).sort()) {
    for (const text of [name, labels[name] as string]) {
      for (const byte of Buffer.from(text)) add(byte)
      add(SEPARATOR)
    }
  }
  return hash.toString(16).padStart(16, '0')
}

/** A label's name as Prometheus allows it. */
export function labelName(name: string): string {
  const plain = name.replace(/\W/g, '_')
  return /^\d/.test(plain) ? `_${plain}` : plain
}
