import type { SqliteParameter, SqliteParameters, SqliteValue } from './binding.js'

/** Values that every library can bind. */
export type BindableParameters = readonly SqliteValue[] | Readonly<Record<string, SqliteValue>>

/**
 * Checks what is to be bound, and makes numbers of booleans. Checked here because the libraries differ in what they take,
 * and libsql ends the process when it meets a value of a type that it does not know.
 *
 * @throws TypeError for a value that SQLite cannot store
 * @throws RangeError for a `bigint` of more than 64 bits
 */
export function bindable(parameters: SqliteParameters): BindableParameters {
  if (Array.isArray(parameters)) return bindableList(parameters)
  const named: Record<string, SqliteValue> = {}
  for (const [name, value] of Object.entries(parameters))
    named[withoutPrefix(name)] = bindableValue(value, name)
  return named
}

function bindableList(values: readonly SqliteParameter[]): readonly SqliteValue[] {
  let converted: SqliteValue[] | undefined
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] as SqliteParameter
    const bound = bindableValue(value, index + 1)
    if (bound === value) continue
    converted ??= [...(values as readonly SqliteValue[])]
    converted[index] = bound
  }
  return converted ?? (values as readonly SqliteValue[])
}

function bindableValue(value: SqliteParameter, place: number | string): SqliteValue {
  if (value === null) return value
  switch (typeof value) {
    case 'string':
    case 'number':
      return value
    case 'boolean':
      return value ? 1 : 0
    case 'bigint':
      if (BigInt.asIntN(64, value) === value) return value
      throw new RangeError(`parameter ${place} has more than 64 bits`)
    default:
      if (value instanceof Uint8Array || ArrayBuffer.isView(value)) return value
      throw new TypeError(
        `parameter ${place} is ${describe(value)}, which SQLite cannot store; ` +
          'pass null, a number, a bigint, a boolean, a string or a Uint8Array',
      )
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? `a ${value?.constructor?.name ?? 'object'}` : typeof value
}

function withoutPrefix(name: string): string {
  return /^[:@$]/.test(name) ? name.slice(1) : name
}
