import type { Row } from '../databases/opened.js'

/** A number of a row, whatever a driver has made of it; undefined if there is none. */
export function numberIn(row: Row | undefined, name: string): number | undefined {
  const value = row?.[name]
  if (value === null || value === undefined || value === '') return undefined
  const number = Number(value)
  return Number.isNaN(number) ? undefined : number
}

/** A text of a row; empty if there is none. */
export function textIn(row: Row | undefined, name: string): string {
  const value = row?.[name]
  return value === null || value === undefined ? '' : String(value)
}

/** True for what databases have for true. */
export function isTrue(row: Row | undefined, name: string): boolean {
  const value = row?.[name]
  return value === true || value === 1 || value === '1' || value === 't' || value === 'true'
}
