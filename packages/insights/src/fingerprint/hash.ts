/** 16 hexadecimal digits; for telling texts apart, not for security. */
export function hashOf(text: string): string {
  let high = 0x9e3779b1
  let low = 0x85ebca6b
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    high = Math.imul(high ^ code, 0x85ebca77)
    low = Math.imul(low ^ code, 0xc2b2ae3d)
    high = (high << 13) | (high >>> 19)
    low = (low << 15) | (low >>> 17)
  }
  return hex(mixed(high ^ (low >>> 7))) + hex(mixed(low ^ (high >>> 11) ^ text.length))
}

function mixed(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x7feb352d)
  const twice = Math.imul(once ^ (once >>> 15), 0x846ca68b)
  return twice ^ (twice >>> 16)
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
