const HIDDEN = '***'

/** Fields whose value is a secret whatever it looks like. `input` is where a failed `new URL()` keeps the whole URL. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'password',
  'passwd',
  'secret',
  'secretkey',
  'token',
  'authorization',
  'connectionstring',
  'databaseurl',
  'failoverurls',
  'input',
])

/** `scheme://user:password@`, the password reaching to the last @ before a space or quote, as in malformed URLs. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@"']*):[^\s"']*@/gi
const PASSWORD_PARAMETER = /\b((?:ssl)?password|passwd|secret|token)=[^&\s"']*/gi

/** Depth at which a structure is cut off: nothing we log is deeper. */
const DEEPEST = 8

/** A text without the passwords of the URLs in it. */
export function redactText(text: string): string {
  return text.replace(URL_PASSWORD, `$1:${HIDDEN}@`).replace(PASSWORD_PARAMETER, `$1=${HIDDEN}`)
}

/** A copy of anything, as plain data without secrets: errors become objects, circles are cut. */
export function redact(value: unknown): unknown {
  return copy(value, new Set(), 0)
}

function copy(value: unknown, above: ReadonlySet<object>, depth: number): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (above.has(value)) return '[circular]'
  if (depth >= DEEPEST) return '[deeper]'
  const path = new Set(above).add(value)
  if (Array.isArray(value)) return value.map((each) => copy(each, path, depth + 1))
  if (value instanceof Error) return copyFields(errorFields(value), path, depth)
  if (value instanceof URL) return redactText(value.href)
  return copyFields(value, path, depth)
}

function copyFields(
  value: object,
  above: ReadonlySet<object>,
  depth: number,
): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) {
    result[name] =
      SECRET_FIELDS.has(name.toLowerCase()) && field !== undefined
        ? HIDDEN
        : copy(field, above, depth + 1)
  }
  return result
}

/** Everything that tells something about an error; most of it is not enumerable. */
function errorFields(error: Error): Record<string, unknown> {
  return {
    ...error,
    name: error.name,
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
    ...(error instanceof AggregateError ? { errors: error.errors } : {}),
  }
}
