import { sharedBy, systemClock } from '@connmgr/core/driver'
import type { MeasuredManager } from './measured-manager.js'

interface PoolNames {
  readonly byManager: WeakMap<MeasuredManager, string>
  readonly holders: Map<string, WeakRef<MeasuredManager>>
}

/**
 * The name of a manager's pool in metrics, which no other open manager of the process has: its own name, or where that
 * is taken, the name with a number, such as `orders#2`. A manager keeps it for life; then the next one may have it, so
 * that a module that is loaded again adds no series.
 */
export function poolNameOf(manager: MeasuredManager): string {
  const { byManager, holders } = poolNames()
  const known = byManager.get(manager)
  if (known !== undefined) return known
  for (const [name, holder] of holders) if (!isOpen(holder)) holders.delete(name)
  let name = manager.name
  for (let number = 2; holders.has(name); number += 1) name = `${manager.name}#${number}`
  holders.set(name, new WeakRef(manager))
  byManager.set(manager, name)
  return name
}

/** One for the process, whatever clocks its managers go by. */
function poolNames(): PoolNames {
  const shared = sharedBy<PoolNames>('pool names', systemClock)
  let names = shared.get('all')
  if (names === undefined) {
    names = { byManager: new WeakMap(), holders: new Map() }
    shared.set('all', names)
  }
  return names
}

function isOpen(holder: WeakRef<MeasuredManager>): boolean {
  return holder.deref()?.closed === false
}
