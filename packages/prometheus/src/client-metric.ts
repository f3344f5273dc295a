import type { Family } from './family.js'
import type { Samples } from './samples.js'

/** What `register` needs of a registry: prom-client's and @prometheus-io/client's have it. */
export interface ClientRegistry {
  // biome-ignore lint/suspicious/noExplicitAny: the libraries' own types of metrics are not ours to name
  registerMetric(metric: any): void
  removeSingleMetric(name: string): void
}

/** A value, as both client libraries read it from a metric. */
export interface ClientValue {
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
  /** The name of a histogram's part. */
  readonly metricName?: string
}

/**
 * A metric with the members that registries of both client libraries use. Those rename a counter for OpenMetrics, so the
 * name can be changed.
 */
export class ClientMetric {
  name: string
  readonly help: string
  readonly type: Family['type']
  readonly aggregator: Family['aggregator']
  readonly labelNames: readonly string[]
  readonly #family: Family
  readonly #sample: () => Samples

  constructor(family: Family, sample: () => Samples) {
    this.name = family.name
    this.help = family.help
    this.type = family.type
    this.aggregator = family.aggregator
    this.labelNames = family.labels
    this.#family = family
    this.#sample = sample
  }

  get(): {
    name: string
    help: string
    type: Family['type']
    aggregator: string
    values: ClientValue[]
  } {
    const { aggregator, help, name, type } = this
    const values = this.#sample()
      .of(this.#family)
      .map((sample): ClientValue => {
        const { labels, value } = sample
        return sample.name === this.#family.name
          ? { labels, value }
          : { labels, value, metricName: sample.name }
      })
    return { name, help, type, aggregator, values }
  }

  /** Does nothing: what is counted belongs to the managers, and never goes back. */
  reset(): void {}
}
