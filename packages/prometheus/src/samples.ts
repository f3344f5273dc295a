import type { HistogramState, MetricAttributes } from '@connmgr/metrics'
import { FAMILIES, type Family, labelsOf, type MetricKey } from './family.js'

/** One line of the exposition. */
export interface Sample {
  /** The family's name, with the suffix of a histogram's part. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The samples of all families at one moment. */
export class Samples {
  readonly #byFamily = new Map<Family, Sample[]>()
  readonly #labels = new Map<MetricAttributes, Readonly<Record<string, string>>>()

  add(metric: MetricKey, attributes: MetricAttributes, value: number): void {
    const family = familyOfKey(metric)
    this.#put(family, { name: family.name, labels: this.#labelsOf(attributes), value })
  }

  /** The buckets, sum and count of a histogram. */
  addHistogram(metric: MetricKey, attributes: MetricAttributes, state: HistogramState): void {
    const family = familyOfKey(metric)
    const labels = this.#labelsOf(attributes)
    const bucket = (le: string, value: number) =>
      this.#put(family, { name: `${family.name}_bucket`, labels: { ...labels, le }, value })
    let below = 0
    family.bounds.forEach((bound, index) => {
      below += state.buckets[index] ?? 0
      bucket(String(bound), below)
    })
    bucket('+Inf', state.count)
    this.#put(family, { name: `${family.name}_sum`, labels, value: state.sum })
    this.#put(family, { name: `${family.name}_count`, labels, value: state.count })
  }

  of(family: Family): readonly Sample[] {
    return this.#byFamily.get(family) ?? []
  }

  #put(family: Family, sample: Sample): void {
    const samples = this.#byFamily.get(family)
    if (samples === undefined) this.#byFamily.set(family, [sample])
    else samples.push(sample)
  }

  #labelsOf(attributes: MetricAttributes): Readonly<Record<string, string>> {
    let labels = this.#labels.get(attributes)
    if (labels === undefined) {
      labels = labelsOf(attributes)
      this.#labels.set(attributes, labels)
    }
    return labels
  }
}

function familyOfKey(metric: MetricKey): Family {
  return FAMILIES.get(metric) as Family
}
