import { invalidOption } from '@connmgr/core/driver'
import { Inject } from '@nestjs/common'

/** The name of the manager of a module that names none. */
export const DEFAULT_NAME = 'default'

/**
 * The injection token of a manager: for providers of your own, for `app.get()` and for `overrideProvider()` in tests.
 *
 * @param name as in the options of the module; none for the manager without a name
 * @throws InvalidOptionError `CONNMGR_INVALID_OPTION`
 *
 * @example
 * const manager = app.get<PgConnectionManager>(getConnectionManagerToken())
 */
export function getConnectionManagerToken(name: string = DEFAULT_NAME): string {
  return `connmgr:manager:${checkName(name)}`
}

/** The token of what a module knows of its manager. */
export function holderToken(name: string): string {
  return `connmgr:holder:${name}`
}

/**
 * Injects a manager into a parameter of a constructor, or a property.
 *
 * @param name as in the options of the module; none for the manager without a name
 *
 * @example
 * constructor(@InjectConnectionManager() private readonly manager: PgConnectionManager) {}
 */
export function InjectConnectionManager(
  name: string = DEFAULT_NAME,
): ParameterDecorator & PropertyDecorator {
  return Inject(getConnectionManagerToken(name))
}

export function checkName(name: unknown): string {
  if (typeof name !== 'string' || name === '')
    throw invalidOption('name', name, 'a text that is not empty')
  return name
}
