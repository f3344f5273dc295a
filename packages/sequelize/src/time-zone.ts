import { invalidOption, systemClock } from '@connmgr/core/driver'

const OFFSET = /^[+-]\d{1,2}:\d{2}$/
const WANTED = "an offset such as '+02:00', or a name such as 'Europe/Berlin'"
const NAME = /^[A-Za-z][A-Za-z0-9_+\-/]*$/

/** Whether a time zone of Sequelize's options is an offset such as `+02:00`, and no name. */
export function isOffset(zone: string): boolean {
  return OFFSET.test(zone)
}

/** It goes into SQL as it is. @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function requireTimeZone(zone: string): void {
  if (!OFFSET.test(zone) && !NAME.test(zone)) throw invalidOption('timezone', zone, WANTED)
}

/**
 * What a time zone is ahead of UTC now, as `+02:00`: a server knows names only if its tables of zones were loaded.
 *
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 */
export function offsetOf(zone: string): string {
  if (isOffset(zone)) return zone
  let parts: Intl.DateTimeFormatPart[]
  try {
    const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
    parts = format.formatToParts(systemClock.wallTime())
  } catch {
    throw invalidOption('timezone', zone, WANTED)
  }
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
  return name.replace('GMT', '') || '+00:00'
}
