import { Writable } from 'node:stream'
import { ConnectionManager } from '@connmgr/core'
import { FakeClock, type FakeConnection, FakeDriver, fakeEndpoint } from '@connmgr/testing'
import { transports } from 'winston'

export type Line = Record<string, unknown>

/** A transport that keeps what it gets, line by line, as winston would write it. */
export function captureLines() {
  const lines: Line[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  return {
    lines,
    transport: new transports.Stream({ stream }),
    of: (event: string): Line[] => lines.filter((line) => line.event === event),
  }
}

/** A manager of a server that exists only in the test. */
export function fakeManager(
  options: object,
  endpoints: string[] = ['db1'],
): { clock: FakeClock; driver: FakeDriver; manager: ConnectionManager<FakeConnection> } {
  const clock = new FakeClock()
  const driver = new FakeDriver({ clock })
  const manager = new ConnectionManager({
    driver,
    endpoints: endpoints.map(fakeEndpoint),
    options: { clock, healthMonitoring: false, ...options },
  })
  return { clock, driver, manager }
}
