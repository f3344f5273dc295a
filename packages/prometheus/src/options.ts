import { invalidOption, rejectUnknownOptions } from '@connmgr/core/driver'

/** Options of `connmgrMetrics`. */
export interface ConnmgrMetricsOptions {
  /**
   * Measures each statement too (`db_client_operation_duration_seconds`), which costs a little for each. `@default` false
   */
  readonly operationDuration?: boolean
}

/** @throws InvalidOptionError `CONNMGR_INVALID_OPTION` */
export function resolveOptions(options: ConnmgrMetricsOptions): Required<ConnmgrMetricsOptions> {
  rejectUnknownOptions(options, ['operationDuration'], 'connmgrMetrics')
  const { operationDuration = false } = options
  if (typeof operationDuration !== 'boolean')
    throw invalidOption('operationDuration', operationDuration, 'true or false')
  return { operationDuration }
}
