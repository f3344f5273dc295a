import { InvalidOptionError } from '../errors.js'
import {
  FOREIGN_OPTIONS,
  FOREIGN_SECONDS,
  type ForeignOption,
  type ForeignOptions,
} from './foreign-options.js'
import { type Likeness, nearestName } from './nearest.js'

/**
 * Refuses options that no code reads, which are most often misspelt.
 *
 * @param what where the options were given, for the message
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function rejectUnknownOptions(
  options: object,
  known: readonly string[],
  what: string,
): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const value = (options as Record<string, unknown>)[name]
    const near = nearestName(name, known)
    const hint = near === undefined ? `known are ${known.join(', ')}` : didYouMean(near, value)
    throw unknown(name, what, hint)
  }
}

/**
 * Refuses what other pools call options of ours, and says what it is called here, with its value in our unit. Checked
 * before {@link rejectUnknownOptions}.
 *
 * @param known names that are none of another pool, whatever the table says
 * @param more names beyond those of pools, such as a driver's
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function rejectForeignOptions(
  options: object,
  known: readonly string[],
  what: string,
  more: ForeignOptions = {},
): void {
  for (const [name, value] of Object.entries(options)) {
    if (known.includes(name)) continue
    const foreign = lookUp(name, more)
    if (foreign !== undefined) throw unknown(name, what, advice(foreign, value))
    if (name === 'pool' && typeof value === 'object' && value !== null)
      throw unknown(name, what, adviceOnGroup(value, more))
  }
}

/**
 * Refuses options that are nearly, but not quite, known ones, where others must be let through because another library may
 * know them.
 *
 * @param instead where to put an option that is meant as it is written, for the message
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function rejectMisspeltOptions(
  options: object,
  known: readonly string[],
  what: string,
  instead: string,
): void {
  for (const [name, value] of Object.entries(options)) {
    const near = known.includes(name) ? undefined : nearestName(name, known)
    if (near === undefined) continue
    throw unknown(name, what, `${didYouMean(near, value)} If not, ${instead}`)
  }
}

function unknown(name: string, what: string, hint: string): InvalidOptionError {
  return new InvalidOptionError(name, `unknown option "${name}" in ${what}; ${hint}`)
}

function didYouMean({ name, factor }: Likeness, value: unknown): string {
  if (factor === undefined) return `did you mean "${name}"?`
  return `did you mean "${name}", in milliseconds?${example(name, value, factor)}`
}

function lookUp(name: string, more: ForeignOptions): ForeignOption | string | undefined {
  const plain = name.toLowerCase().replace(/[-_. ]/g, '')
  for (const [table, key] of [
    [more, name],
    [more, plain],
    [FOREIGN_SECONDS, name],
    [FOREIGN_OPTIONS, plain],
  ] as const)
    if (Object.hasOwn(table, key)) return table[key]
  return undefined
}

function advice(foreign: ForeignOption | string, value: unknown): string {
  if (typeof foreign === 'string') return foreign
  const { ours, factor, note } = foreign
  const unit = ours.endsWith('Ms') ? ', in milliseconds' : ''
  return `here it is "${ours}"${unit}${example(ours, value, factor)}${note === undefined ? '' : `; ${note}`}`
}

/** Of numbers alone: anything else may be a secret. */
function example(ours: string, value: unknown, factor = 1): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return ''
  return `: ${ours}: ${value * factor}`
}

/** Knex, Sequelize and MikroORM keep the options of the pool in an object of its own. */
function adviceOnGroup(group: object, more: ForeignOptions): string {
  const parts = Object.entries(group).map(([name, value]) => {
    const foreign = lookUp(name, more)
    return foreign === undefined ? `"${name}" is unknown` : `"${name}": ${advice(foreign, value)}`
  })
  return ['options of the pool stand beside the others', ...parts].join('; ')
}
