import { isError } from '../thrown.js'
import { redactText } from './redact-text.js'
import { isSecretName } from './secret-names.js'
import { HIDDEN } from './url-credentials.js'

/** Fields that hold connection strings, which may be malformed, in lower case and without separators. */
const CONNECTION_FIELD =
  /^(?:connectionstring|connectionuri|databaseurl|failoverurls|databasefailoverurls)$/
/** Collections of pairs, of whichever realm. */
const PAIRS = /^\[object (?:Map|Headers|URLSearchParams|FormData)\]$/

/** Depth and number of values at which a structure is cut off: nothing we log is deeper or larger. */
const DEEPEST = 8
const MOST_VALUES = 5000

/**
 * A copy of anything, as plain data without secrets: errors become objects, with their causes and all their fields;
 * circles are cut. Never throws, since a log entry must not break what it tells of.
 */
export function redact(value: unknown): unknown {
  return new Copier().copy(value, new Set())
}

class Copier {
  #left = MOST_VALUES

  copy(value: unknown, above: ReadonlySet<object>): unknown {
    if (typeof value === 'string') return redactText(value)
    if (typeof value === 'bigint') return value.toString()
    if (typeof value === 'function' || typeof value === 'symbol') return undefined
    if (typeof value !== 'object' || value === null) return value
    if (above.has(value)) return '[circular]'
    if (above.size >= DEEPEST) return '[deeper]'
    if (this.#left <= 0) return '[more]'
    try {
      return this.#copyObject(value, new Set(above).add(value))
    } catch {
      // A getter or a proxy of the user's threw: the rest of the entry is still worth having.
      return '[unreadable]'
    }
  }

  #copyObject(value: object, path: ReadonlySet<object>): unknown {
    if (isError(value)) return this.#copyFields(errorFields(value), path)
    if (value instanceof String) return redactText(String(value))
    const bytes = bytesIn(value)
    if (bytes !== undefined) return `[${bytes} bytes]`
    if (Array.isArray(value) || value instanceof Set) return this.#copyList(value, path)
    if (PAIRS.test(Object.prototype.toString.call(value)))
      return this.#copyPairs(value as Iterable<readonly [unknown, unknown]>, path)
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') return this.copy(toJSON.call(value), path)
    return this.#copyFields(value, path)
  }

  #copyList(values: Iterable<unknown>, path: ReadonlySet<object>): unknown[] {
    const list = [...values]
    const result: unknown[] = []
    for (const [index, value] of list.entries()) {
      if (this.#left-- <= 0) break
      // An entry of a map, or headers as Node gives them: names and values by turns.
      const name = index % 2 === 1 && list.length % 2 === 0 ? list[index - 1] : undefined
      const secret =
        typeof name === 'string' && isSecretName(name) && (list.length === 2 || isHeader(name))
      result.push(secret && value !== null ? HIDDEN : this.copy(value, path))
    }
    return result
  }

  #copyPairs(
    pairs: Iterable<readonly [unknown, unknown]>,
    path: ReadonlySet<object>,
  ): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    for (const [key, value] of pairs) {
      if (this.#left-- <= 0) break
      const name = typeof key === 'object' && key !== null ? '[object]' : String(key)
      put(result, name, isSecret(name, value, pairs) ? HIDDEN : this.copy(value, path))
    }
    return result
  }

  #copyFields(value: object, path: ReadonlySet<object>): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    for (const name of Object.keys(value)) {
      if (this.#left-- <= 0) break
      put(result, name, this.#copyField(value, name, path))
    }
    return result
  }

  #copyField(value: object, name: string, path: ReadonlySet<object>): unknown {
    try {
      const field: unknown = Reflect.get(value, name)
      return isSecret(name, field, value) ? HIDDEN : this.copy(field, path)
    } catch {
      return '[unreadable]'
    }
  }
}

function isSecret(name: string, field: unknown, owner: object): boolean {
  if (field === undefined || field === null || typeof field === 'boolean') return false
  // Where a failed `new URL()` keeps what it was given.
  if (name === 'input' || name === 'base') return Reflect.get(owner, 'code') === 'ERR_INVALID_URL'
  // `{ name: 'password', value: 'x' }`
  if (name === 'value')
    return ['name', 'key'].some((each) => isSecretField(Reflect.get(owner, each)))
  return isSecretField(name) || CONNECTION_FIELD.test(name.toLowerCase().replace(/[_-]/g, ''))
}

function isSecretField(name: unknown): boolean {
  return typeof name === 'string' && isSecretName(name)
}

/** Names of headers have their place in lists of other things less often than `password` has. */
function isHeader(name: string): boolean {
  return /authorization|cookie|-/i.test(name)
}

/** How many bytes a binary value has; also one that JSON has turned into numbers. */
function bytesIn(value: object): number | undefined {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength
  const { type, data } = value as { type?: unknown; data?: unknown }
  return type === 'Buffer' && Array.isArray(data) ? data.length : undefined
}

/** A key may be a secret too, or be `__proto__`. */
function put(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, redactText(name), {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}

/** Everything that tells something about an error; most of it is not enumerable. */
export function errorFields(error: Error): Record<string, unknown> {
  const { errors } = error as { errors?: unknown }
  return {
    ...error,
    name: error.name,
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
    ...(Array.isArray(errors) ? { errors } : {}),
  }
}
