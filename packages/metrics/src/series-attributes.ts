import { ATTRIBUTE, type MetricAttributes } from './attributes.js'
import type { MeasuredManager } from './measured-manager.js'
import { poolNameOf } from './pool-names.js'

/**
 * The attributes of the series of one manager. Each combination is one object, made once: events come often, and what
 * counts them finds a series by its object.
 */
export class SeriesAttributes {
  /** Of what concerns the manager as a whole. */
  readonly pool: MetricAttributes
  readonly #manager: MeasuredManager
  readonly #endpoints = new Map<string, MetricAttributes>()
  readonly #extended = new Map<MetricAttributes, Map<string, MetricAttributes>>()

  constructor(manager: MeasuredManager) {
    this.#manager = manager
    this.pool = Object.freeze({ [ATTRIBUTE.pool]: poolNameOf(manager) })
  }

  /** Of what concerns one endpoint, by its id. */
  endpoint(id: string): MetricAttributes {
    const known = this.#endpoints.get(id)
    if (known !== undefined) return known
    const status = this.#manager.getFailoverStatus().endpoints.find((each) => each.id === id)
    const attributes = Object.freeze({
      ...this.pool,
      [ATTRIBUTE.endpoint]: id,
      ...(status?.host === undefined ? {} : { [ATTRIBUTE.address]: status.host }),
      ...(status?.port === undefined ? {} : { [ATTRIBUTE.port]: status.port }),
    })
    this.#endpoints.set(id, attributes)
    return attributes
  }

  /** These attributes and one more. */
  extend(base: MetricAttributes, name: string, value: string): MetricAttributes {
    let extensions = this.#extended.get(base)
    if (extensions === undefined) {
      extensions = new Map()
      this.#extended.set(base, extensions)
    }
    const key = `${name}=${value}`
    let extended = extensions.get(key)
    if (extended === undefined) {
      extended = Object.freeze({ ...base, [name]: value })
      extensions.set(key, extended)
    }
    return extended
  }
}
