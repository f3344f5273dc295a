/** Something went wrong with the alerts themselves. */
export interface AlertProblem {
  /**
   * - `rule-failed`: a rule threw, or returned what is no outcome; told once until it works again
   * - `rule-recovered`
   * - `delivery-failed`: told at the first of several failures in a row; it is tried again
   * - `delivery-recovered`
   * - `delivery-refused`: the receiver refused an alert for good
   * - `alerts-dropped`: too many alerts wait for a sink; told once
   * - `filter-failed`: `only` of a sink threw
   * - `insights-failed`: a snapshot of insights could not be taken
   */
  readonly kind:
    | 'rule-failed'
    | 'rule-recovered'
    | 'delivery-failed'
    | 'delivery-recovered'
    | 'delivery-refused'
    | 'alerts-dropped'
    | 'filter-failed'
    | 'insights-failed'
  /** Of the rule or the sink. */
  readonly name: string
  /** In a sentence, without secrets. */
  readonly message: string
}
