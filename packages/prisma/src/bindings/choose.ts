import type { AnyConnectionManager, AnyManagerOptions, Binding } from './binding.js'
import { mysql } from './mysql.js'
import { postgres } from './postgres.js'
import { sqlite } from './sqlite.js'

/** A binding, together with a manager or the options that it is for: which of them, the choice has seen. */
export type ChosenBinding = Binding<AnyConnectionManager, AnyManagerOptions, object>

/** The last one is for all that no other is for. */
const BINDINGS = [sqlite, mysql, postgres] as unknown as readonly ChosenBinding[]

/** The binding of a manager, undefined for what is none. */
export function bindingOf(given: object): ChosenBinding | undefined {
  return BINDINGS.find((each) => each.isManager(given))
}

/** The binding that options are for: by what only one database has, or else by the scheme of their URL. */
export function bindingFor(options: object): ChosenBinding {
  const { databaseUrl } = options as { readonly databaseUrl?: unknown }
  const url = databaseUrl ?? process.env.DATABASE_URL
  const text = typeof url === 'string' ? url : undefined
  return BINDINGS.find((each) => each.isFor(options, text)) as ChosenBinding
}
