import { createLogger, format } from 'winston'
import { captureLines } from '../test/capture.js'
import { connmgrFormat } from './index.js'

function loggerWith(...formats: Parameters<typeof format.combine>) {
  const captured = captureLines()
  const logger = createLogger({
    level: 'debug',
    format: format.combine(...formats),
    transports: captured.transport,
  })
  return { logger, ...captured }
}

test('structures the events of connmgr', () => {
  const { logger, lines } = loggerWith(connmgrFormat(), format.json())
  logger.debug('lent', {
    event: 'connectionAcquired',
    type: 'connectionAcquired',
    pool: 'main',
    endpoint: 'db1',
    connectionId: 3,
    leaseId: 4,
    durationMs: 1.23456,
  })
  expect(lines).toEqual([
    {
      level: 'debug',
      message: 'lent',
      event: 'connectionAcquired',
      pool: 'main',
      endpoint: 'db1',
      connectionId: 3,
      leaseId: 4,
      durationMs: 1.2,
      waitMs: 1.2,
    },
  ])
})

test('lifts the code of an event’s error', () => {
  const { logger, lines } = loggerWith(connmgrFormat(), format.json())
  const error = { name: 'Error', message: 'refused', code: 'ECONNREFUSED' }
  logger.debug('failed', {
    event: 'connectionFailed',
    type: 'connectionFailed',
    pool: 'main',
    endpoint: 'db1',
    durationMs: 1,
    error,
  })
  expect(lines).toEqual([expect.objectContaining({ code: 'ECONNREFUSED', error })])
})

test('leaves the fields of other entries as they are', () => {
  const { logger, lines } = loggerWith(connmgrFormat(), format.json())
  const fields = { event: 'click', type: 'mouse', lease: 'car', durationMs: 1.23456 }
  logger.info('other', fields)
  expect(lines).toEqual([{ level: 'info', message: 'other', ...fields }])
})

test('leaves the objects of the caller as they are', () => {
  const { logger, lines } = loggerWith(connmgrFormat(), format.json())
  const entry = { message: 'settings', password: 's3cr3t' }
  logger.info(entry)
  expect(lines).toEqual([{ level: 'info', message: 'settings', password: '***' }])
  expect(entry.password).toBe('s3cr3t')
})

test('hides secrets from the formats after it, in interpolated messages too', () => {
  const { logger, lines } = loggerWith(connmgrFormat(), format.splat(), format.json())
  logger.info('using %s', 'postgres://u:s3cr3t@h/d')
  expect(lines).toEqual([expect.objectContaining({ message: 'using postgres://u:***@h/d' })])
})

test('hides secrets from what the formats before it have made', () => {
  const { logger, lines } = loggerWith(format.splat(), connmgrFormat(), format.json())
  logger.info('using %s', 'postgres://u:s3cr3t@h/d')
  expect(lines).toEqual([expect.objectContaining({ message: 'using postgres://u:***@h/d' })])
})
