import { parseArgs } from 'node:util'

/**
 * Reads the arguments of this command, and ends it with a clear error if they are wrong.
 *
 * @param {Record<string, { type?: 'boolean', check?: (value: string) => boolean, wants?: string }>} definition
 * An option takes a value that `check` accepts; `wants` describes such values with an example.
 * @param {string} example how the command is called rightly
 * @returns {Record<string, string | boolean | undefined>}
 */
export function readArguments(definition, example) {
  try {
    const options = Object.fromEntries(
      Object.entries(definition).map(([name, { type = 'string' }]) => [name, { type }]),
    )
    const { values } = parseArgs({ options })
    for (const [name, value] of Object.entries(values)) {
      const { check, wants } = definition[name]
      if (check !== undefined && !check(value)) {
        throw new Error(`--${name} must be ${wants}, but it is "${value}"`)
      }
    }
    return values
  } catch (error) {
    // Node adds a hint about "--" that misleads where no positional arguments are taken.
    const [problem] = error.message.split('. To specify a positional argument')
    console.error(`${problem}\nFor example: ${example}`)
    process.exit(1)
  }
}

/** A seed that fits fast-check, and every generator with 32 bits of state. */
export function randomSeed() {
  return String(Math.floor(Math.random() * 2 ** 31))
}

/** For `definition` of readArguments. */
export const SEED = {
  check: (value) => /^\d{1,10}$/.test(value) && Number(value) < 2 ** 31,
  wants: 'a whole number from 0 to 2147483647, such as 42',
}
