// A program that OpenTelemetry watches: prints the spans of an idle manager, and then of one statement.
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'

const exporter = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(exporter)],
})
new PgInstrumentation().setTracerProvider(tracerProvider)

const spans = (): string[] =>
  exporter
    .getFinishedSpans()
    .map(({ attributes, name }) =>
      String(attributes['db.statement'] ?? attributes['db.query.text'] ?? name),
    )

async function main(): Promise<void> {
  // Not before: what is loaded from now on is instrumented.
  const { createConnectionManager } = await import('@connmgr/pg')
  const [databaseUrl = '', ...failoverUrls] = process.argv.slice(2)
  const manager = createConnectionManager({
    databaseUrl,
    failoverUrls,
    logger: false,
    prePingBypassMs: 0,
    failover: { probeIntervalMs: 20 },
  })
  // What a manager does by itself keeps no process running.
  const running = setInterval(() => {}, 1000)
  await manager.start()
  while (manager.getHealthStats().totalChecks < 20)
    await new Promise((resolve) => manager.on('healthCheckCompleted', resolve))
  const idle = spans()
  exporter.reset()
  await manager.pool.query('select 42 as answer')
  const first = spans()
  exporter.reset()
  // A used connection is pinged, probed over and reset.
  await manager.use((client) => client.query("set work_mem to '1MB'"))
  await manager.checkHealth()
  await manager.transaction((client) => client.query('select 43 as answer'))
  await manager.close()
  clearInterval(running)
  process.stdout.write(JSON.stringify({ idle, first, later: spans() }))
}

void main()
