import diagnostics from 'node:diagnostics_channel'
import { fakeManager } from '@connmgr/testing'
import { meterProvider } from '../../test/collected.js'
import { RecordedSpans, useFlowContexts } from '../../test/recorded-spans.js'
import { instrument } from '../index.js'

const CHANNELS = ['connmgr:query', 'connmgr:pool:acquire'].flatMap((name) =>
  ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) =>
    diagnostics.channel(`tracing:${name}:${event}`),
  ),
)
const subscribed = () => CHANNELS.filter((channel) => channel.hasSubscribers).length

beforeAll(useFlowContexts)

/** A manager of fakes whose statements are made spans of. */
function open(options: Parameters<typeof fakeManager>[0] = {}) {
  const spans = new RecordedSpans()
  const fake = fakeManager(options)
  const stop = instrument(fake.manager, {
    meterProvider: meterProvider().provider,
    tracerProvider: spans.provider,
    spans: true,
  })
  return { ...fake, spans, stop }
}

test('there is no subscriber to statements unless spans are wanted, nor when they have ended', async () => {
  const { close, manager } = fakeManager()
  const options = { meterProvider: meterProvider().provider }
  const plain = instrument(manager, options)
  expect([subscribed(), manager.queries.active]).toEqual([0, false])
  const spans = new RecordedSpans()
  const stop = instrument(manager, { ...options, tracerProvider: spans.provider, spans: true })
  expect(manager.queries.active).toBe(true)
  await manager.use((connection) => connection.query('select 1'))
  stop()
  expect([subscribed(), manager.queries.active]).toEqual([0, false])
  await manager.use((connection) => connection.query('select 2'))
  expect(spans.statements).toHaveLength(1)
  plain()
  await close()
})

test('a manager that is instrumented twice by one provider has each span once', async () => {
  const { close, manager, spans, stop } = open()
  const options = { meterProvider: meterProvider().provider }
  const other = new RecordedSpans()
  const stops = [
    stop,
    instrument(manager, { ...options, tracerProvider: other.provider, spans: true }),
    instrument([manager], { ...options, tracerProvider: other.provider, spans: true }),
  ]
  await manager.use((connection) => connection.query('select 1'))
  expect([spans.statements.length, other.statements.length]).toEqual([1, 1])
  for (const each of stops) each()
  await close()
})

test('a transaction that is open when spans end is ended with them', async () => {
  const { close, manager, spans, stop } = open()
  const lease = await manager.acquire()
  await lease.connection.query('begin')
  expect(spans.named('transaction')).toEqual([])
  stop()
  expect(spans.named('transaction')).toHaveLength(1)
  lease.release()
  await close()
})
