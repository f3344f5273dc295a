const HIDDEN = '***'

/** A connection string as it may be shown: without passwords, however malformed it is. */
export function redactUrl(url: string): string {
  const parameters = url.replace(/([?&](?:password|sslpassword|sslkey)=)[^&\s]*/gi, `$1${HIDDEN}`)
  const authority = parameters.indexOf('://')
  const start = authority === -1 ? 0 : authority + 3
  // The last @, since a password may hold one that should have been encoded. What stands after a question mark is no
  // authority, but with a malformed URL nobody knows where that begins, so more is hidden rather than less.
  const at = parameters.lastIndexOf('@')
  if (at < start) return parameters
  const credentials = parameters.slice(start, at)
  const colon = credentials.indexOf(':')
  if (colon === -1) return parameters
  return `${parameters.slice(0, start + colon + 1)}${HIDDEN}${parameters.slice(at)}`
}
