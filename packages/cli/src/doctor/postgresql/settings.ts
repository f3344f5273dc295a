/** A number of `pg_settings`; undefined for what the server does not have, or does not tell. */
export function settingIn(settings: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = settings.get(name)
  const value = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isNaN(value) ? undefined : value
}
