/** Options of a pool that are secrets or hold some. */
const SECRET_OPTIONS = [
  'password',
  'connectionString',
  'databaseUrl',
  'failoverUrls',
  'clientConfig',
]
const SECRET_TLS_OPTIONS = ['key', 'pfx', 'passphrase']

/**
 * Hides the secrets of a pool's options from JSON, from copies and from whatever prints a pool, also with hidden
 * properties. Who reads one by its name gets it: libraries take a `pg.Pool`'s options for their own connections.
 */
export function hideSecretOptions(options: { ssl?: unknown }): void {
  const { ssl } = options
  if (typeof ssl === 'object' && ssl !== null) {
    // A copy, as the object is the caller's.
    options.ssl = Object.create(Object.getPrototypeOf(ssl), Object.getOwnPropertyDescriptors(ssl))
    hideProperties(options.ssl as object, SECRET_TLS_OPTIONS)
  }
  hideProperties(options, SECRET_OPTIONS)
}

/** Hides properties from all but who reads them by name. */
export function hideProperties(target: object, names: readonly string[]): void {
  for (const name of names) {
    if (!Object.hasOwn(target, name)) continue
    let value: unknown = Reflect.get(target, name)
    // Not a plain value, which `showHidden` shows.
    Object.defineProperty(target, name, {
      get: () => value,
      set: (changed: unknown) => {
        value = changed
      },
      enumerable: false,
      configurable: true,
    })
  }
}
