import type { DataSource } from 'typeorm'
import { bindingOf, isManagedType } from './bindings.js'
import type { ManagedType, ManagerOf } from './managed-types.js'
import { type ManagerOwnership, ownershipOf } from './manager-ownership.js'

/** The ownership behind a DataSource that connmgr manages, undefined for any other. */
export function ownershipOfSource({
  driver,
  options: { type },
}: DataSource): ManagerOwnership<ManagerOf<ManagedType>> | undefined {
  if (!isManagedType(type)) return undefined
  // What TypeORM's driver was given as the library of its database.
  return ownershipOf((driver as unknown as Record<string, unknown>)[bindingOf(type).driverProperty])
}
