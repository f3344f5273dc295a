import {
  AggregationTemporality,
  DataPointType,
  type Histogram,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics'

/** Collects on request alone. */
class Reader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

type Attributes = Readonly<Record<string, unknown>>

/** The metrics of one collection. */
export class Collected {
  constructor(
    private readonly points: readonly {
      readonly metric: string
      readonly attributes: Attributes
      readonly value: number | Histogram
    }[],
  ) {}

  get names(): string[] {
    return [...new Set(this.points.map(({ metric }) => metric))]
  }

  /** The value of the series with these attributes, among others; undefined if there is none. */
  value(metric: string, attributes: Attributes = {}): number | undefined {
    const values = this.values(metric, attributes)
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0)
  }

  values(metric: string, attributes: Attributes = {}): number[] {
    return this.series(metric, attributes).map(({ value }) =>
      typeof value === 'number' ? value : value.count,
    )
  }

  histogram(metric: string, attributes: Attributes = {}): Histogram | undefined {
    const [first] = this.series(metric, attributes)
    return first === undefined || typeof first.value === 'number' ? undefined : first.value
  }

  series(metric: string, attributes: Attributes = {}) {
    return this.points.filter(
      (point) =>
        point.metric === metric &&
        Object.entries(attributes).every(([name, value]) => point.attributes[name] === value),
    )
  }
}

/** A provider of the real SDK, and what it collects. */
export function meterProvider(temporality = AggregationTemporality.CUMULATIVE) {
  const reader = new Reader({ aggregationTemporalitySelector: () => temporality })
  const provider = new MeterProvider({ readers: [reader] })
  return {
    provider,
    async collect(): Promise<Collected> {
      const { errors, resourceMetrics } = await reader.collect()
      expect(errors).toEqual([])
      return new Collected(
        resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
          metrics.flatMap(({ dataPoints, dataPointType, descriptor }) =>
            dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM
              ? []
              : dataPoints.map(({ attributes, value }) => ({
                  metric: descriptor.name,
                  attributes,
                  value: value as number | Histogram,
                })),
          ),
        ),
      )
    },
  }
}
