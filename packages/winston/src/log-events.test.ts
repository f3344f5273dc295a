import type { ConnmgrEvent, ConnmgrEventType } from '@connmgr/core'
import { captureLines, fakeManager } from '../test/capture.js'
import { createLogger, logEvents } from './index.js'

function loggingOf() {
  const captured = captureLines()
  return {
    ...captured,
    logger: createLogger({ level: 'debug', transports: captured.transport }),
  }
}

test('logs also what a manager leaves out, until it is stopped', async () => {
  const { logger, of } = loggingOf()
  const { manager } = fakeManager({ logger: false })
  const stop = logEvents(manager, logger)
  await manager.use(async () => {})
  stop()
  await manager.use(async () => {})
  await manager.close()
  expect(of('connectionAcquired')).toEqual([
    expect.objectContaining({ level: 'debug', waitMs: expect.any(Number) }),
  ])
  expect(of('connectionReleased')).toEqual([
    expect.objectContaining({ level: 'debug', heldMs: expect.any(Number) }),
  ])
})

test.each([
  [true, 'connmgr "main": the database cannot be reached: refused'],
  [false, 'connmgr "main": db1: SUSPECT → DOWN (refused)'],
])('speaks of one database where there is one: %s', (oneDatabase, message) => {
  const { logger, of } = loggingOf()
  let emit: (event: ConnmgrEvent) => void = () => {}
  const onAny = (listener: typeof emit) => {
    emit = listener
    return () => {}
  }
  logEvents({ oneDatabase, onAny }, logger)
  const change = { from: 'SUSPECT', to: 'DOWN', role: 'primary', reason: 'refused' } as const
  emit({ type: 'endpointStateChanged', pool: 'main', endpoint: 'db1', ...change })
  expect(of('endpointStateChanged')).toMatchObject([{ message }])
})

test('a logger that throws does not reach the caller', async () => {
  const { manager } = fakeManager({ logger: false })
  const fail = () => {
    throw new Error('the disk is full')
  }
  logEvents(manager, { debug: fail, info: fail, warn: fail, error: fail })
  await expect(manager.use(async () => 'done')).resolves.toBe('done')
  await manager.close()
})

const pool = { pool: 'main', endpoint: 'db1' }
const lease = {
  leaseId: 1,
  connectionId: 1,
  endpoint: 'db1',
  checkedOutAt: new Date(0),
  heldForMs: 1,
  checkedOutBy: 'report (app.ts:1:2)',
  stack: 'report (app.ts:1:2)\nmain (app.ts:9:9)',
  lastQuery: 'select 1',
  queryCount: 1,
}
const error = { name: 'Error', message: 'refused', code: 'ECONNREFUSED' }

const events: [ConnmgrEvent, string][] = [
  [{ type: 'connectionCreated', ...pool, connectionId: 1, durationMs: 1 }, 'debug'],
  [{ type: 'connectionClosed', ...pool, connectionId: 1, reason: 'idle', durationMs: 1 }, 'debug'],
  [{ type: 'acquireFailed', ...pool, reason: 'timeout', durationMs: 1, error }, 'warn'],
  [{ type: 'acquireFailed', ...pool, reason: 'aborted', durationMs: 1, error }, 'debug'],
  [{ type: 'connectionDirty', ...pool, connectionId: 1, reason: 'transaction', lease }, 'warn'],
  [
    { type: 'leakDetected', ...pool, connectionId: 1, durationMs: 1, lease, reclaimed: false },
    'warn',
  ],
  [{ type: 'leakResolved', ...pool, connectionId: 1, durationMs: 1, lease }, 'info'],
  [{ type: 'failoverStarted', ...pool, reason: 'connection lost' }, 'warn'],
  [
    {
      type: 'failoverCompleted',
      ...pool,
      from: 'db0',
      epoch: 2,
      reason: 'connection lost',
      durationMs: 1,
    },
    'warn',
  ],
  [{ type: 'failoverFailed', ...pool, attempt: 1, reason: 'no writer', durationMs: 1 }, 'error'],
]

test.each(events.map(([event, level]) => [event.type, level, event] as const))(
  'logs %s as %s, with its sentence and its fields',
  (type: ConnmgrEventType, level: string, event: ConnmgrEvent) => {
    const { logger, lines } = loggingOf()
    let emit: (event: ConnmgrEvent) => void = () => {}
    const source = {
      onAny(listener: (event: ConnmgrEvent) => void) {
        emit = listener
        return () => {}
      },
    }
    logEvents(source, logger)
    emit(event)
    expect(lines).toEqual([
      expect.objectContaining({
        level,
        event: type,
        pool: 'main',
        endpoint: 'db1',
        message: expect.stringMatching(/^connmgr "main": \w/),
      }),
    ])
    if ('lease' in event) {
      expect(lines[0]).toMatchObject({ checkedOutBy: lease.checkedOutBy, lastQuery: 'select 1' })
    }
    if (type === 'leakDetected') {
      expect(lines[0]?.stack).toBe(lease.stack)
      expect(lines[0]?.message).toContain('main (app.ts:9:9)')
    }
  },
)
