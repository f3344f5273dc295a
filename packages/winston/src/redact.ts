import { isError } from '@connmgr/core'
import { redactText } from './redact-text.js'

const HIDDEN = '***'

/** Fields whose value is a secret whatever it looks like, in lower case and without separators. */
const SECRET_FIELD =
  /(?:password|passwd|passphrase|secret|secretkey|apikey|privatekey|accesskey|token)$|^(?:authorization|cookie|connectionstring|databaseurl|failoverurls|databasefailoverurls)$/

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
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
    if (Array.isArray(value) || value instanceof Set) return this.#copyList(value, path)
    if (value instanceof Map) return this.#copyFields(Object.fromEntries(value), path)
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') return this.copy(toJSON.call(value), path)
    return this.#copyFields(value, path)
  }

  #copyList(values: Iterable<unknown>, path: ReadonlySet<object>): unknown[] {
    const result: unknown[] = []
    for (const value of values) {
      if (this.#left-- <= 0) break
      result.push(this.copy(value, path))
    }
    return result
  }

  #copyFields(value: object, path: ReadonlySet<object>): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    for (const name of Object.keys(value)) {
      if (this.#left-- <= 0) break
      result[name] = this.#copyField(value, name, path)
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
  return SECRET_FIELD.test(name.toLowerCase().replace(/[_-]/g, ''))
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
