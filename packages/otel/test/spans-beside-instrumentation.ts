// A program whose pg is instrumented by OpenTelemetry, and whose manager is by us: prints the spans that both make.
import { DiagLogLevel, diag } from '@opentelemetry/api'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import { RecordedSpans, useFlowContexts } from './recorded-spans.js'

const spans = new RecordedSpans()
const messages: string[] = []
const note = (message: string): number => messages.push(message)
const ignore = (): void => {}
useFlowContexts()
diag.setLogger(
  { error: note, warn: note, info: note, debug: ignore, verbose: ignore },
  DiagLogLevel.INFO,
)
new PgInstrumentation().setTracerProvider(spans.provider)

async function main(): Promise<void> {
  // Not before: what is loaded from now on is instrumented.
  const { createConnectionManager } = await import('@connmgr/pg')
  const { instrument } = await import('@connmgr/otel')
  const [databaseUrl = ''] = process.argv.slice(2)
  const manager = createConnectionManager({
    databaseUrl,
    logger: false,
    poolSize: 1,
    maxOverflow: 0,
  })
  instrument(manager, { spans: true, tracerProvider: spans.provider })
  await manager.pool.query('select 0')
  spans.clear()
  await spans.within('request', async () => {
    await manager.pool.query('select 1')
    await manager.transaction((client) => client.query('select 2'))
    const lease = await manager.acquire()
    const waiting = manager.pool.query('select 3')
    await lease.connection.query('select pg_sleep(0.1)')
    lease.release()
    await waiting
  })
  const shown = spans.all.map((span) => ({
    scope: span.instrumentationScope.name,
    name: span.name,
    parent: spans.parentOf(span)?.name,
    events: span.events.map(({ name }) => name),
    text: span.attributes['db.statement'] ?? span.attributes['db.query.text'],
  }))
  await manager.close()
  process.stdout.write(JSON.stringify({ messages, spans: shown }))
}

void main()
