export function isSpace(char: string): boolean {
  return (
    char === ' ' ||
    char === '\n' ||
    char === '\t' ||
    char === '\r' ||
    char === '\f' ||
    char === '\v' ||
    char === '\u00a0'
  )
}

export function isDigit(char: string): boolean {
  return char >= '0' && char <= '9'
}

export function isWordStart(char: string): boolean {
  return (
    (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z') || char === '_' || char > '\u0080'
  )
}

export function isWordPart(char: string): boolean {
  return isWordStart(char) || isDigit(char) || char === '$'
}
