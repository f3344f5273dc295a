// A program whose pg is instrumented by OpenTelemetry, and whose manager is by us: prints the metrics that both give.
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'

/** Collects on request alone. */
class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

const reader = new Reader()
const meterProvider = new MeterProvider({ readers: [reader] })
new PgInstrumentation().setMeterProvider(meterProvider)

async function collect() {
  const { resourceMetrics } = await reader.collect()
  return resourceMetrics.scopeMetrics.flatMap(({ metrics, scope }) =>
    metrics.flatMap(({ dataPoints, dataPointType, descriptor }) =>
      dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM
        ? []
        : dataPoints.map(({ attributes, value }) => ({
            scope: scope.name,
            metric: descriptor.name,
            attributes,
            value: typeof value === 'number' ? value : value.count,
          })),
    ),
  )
}

async function main(): Promise<void> {
  // Not before: what is loaded from now on is instrumented.
  const { createConnectionManager } = await import('@connmgr/pg')
  const { instrument } = await import('@connmgr/otel')
  const [databaseUrl = ''] = process.argv.slice(2)
  const options = { databaseUrl, logger: false, name: 'shop', preparedStatements: 'off' } as const
  const managers = [createConnectionManager(options), createConnectionManager(options)] as const
  instrument(managers, { meterProvider })
  for (const manager of managers) {
    for (let n = 0; n < 3; n += 1) await manager.pool.query('select 1')
    await manager.use((client) => client.query('select 2'))
  }
  const leases = [
    await managers[0].acquire(),
    await managers[1].acquire(),
    await managers[1].acquire(),
  ]
  const busy = await collect()
  for (const lease of leases) lease.release()
  const open = managers.map((manager) => manager.getCounts().total)
  const idle = await collect()
  for (const manager of managers) await manager.close()
  process.stdout.write(JSON.stringify({ busy, idle, open }))
}

void main()
