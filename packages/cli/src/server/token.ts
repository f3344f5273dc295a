import { createHash, timingSafeEqual } from 'node:crypto'

const SHORTEST = 16

/** @throws Error if a token is none, or one that could be guessed */
export function requireToken(token: unknown): string {
  if (typeof token !== 'string' || token.length < SHORTEST)
    throw new Error(
      `serveInspection needs a token of at least ${SHORTEST} characters beside a port; make one with crypto.randomBytes(24).toString('base64url')`,
    )
  return token
}

/** Whether a header bears the token. It takes as long for any header. */
export function bears(header: string | undefined, token: string): boolean {
  const [, given] = /^Bearer (.+)$/i.exec(header ?? '') ?? []
  return timingSafeEqual(digest(given ?? ''), digest(token)) && given !== undefined
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
