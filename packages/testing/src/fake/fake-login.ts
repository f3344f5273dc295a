import type { Clock } from '@connmgr/core'
import type { FakeServer } from './fake-server.js'
import { type FakeOutcome, play } from './outcome.js'

/** Tells how much has come from the server since a login began. */
export function receivedAtLogin(
  server: FakeServer,
  scripted: FakeOutcome,
  clock: Clock,
): () => number {
  const startedAt = clock.now()
  const times =
    (typeof scripted === 'object' && 'receivedAtMs' in scripted && scripted.receivedAtMs) || []
  let received = 0
  return () => {
    const elapsedMs = clock.now() - startedAt
    if (server.state !== 'hung') received = times.filter((at) => at <= elapsedMs).length
    return received
  }
}

/** Gets through to a server, or is refused: by what it is in the very moment, however long it hung before. */
export async function reach<T>(
  server: FakeServer,
  clock: Clock,
  signal: AbortSignal,
  open: () => T,
): Promise<T> {
  while (server.connectOutcome !== 'succeed') await play(server.connectOutcome, clock, { signal })
  return open()
}
