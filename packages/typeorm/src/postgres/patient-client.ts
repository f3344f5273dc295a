import type { PoolClient } from 'pg'

/**
 * A client, for TypeORM. That takes a query runner for released once its client has had an 'error', and from then on says
 * no more than `QueryRunnerAlreadyReleasedError`. Without the news it goes on with the client, whose errors say what has
 * happened. The manager listens to the client itself, and replaces it.
 */
export function patientClient(client: PoolClient): PoolClient {
  const patient: PoolClient = new Proxy(client, {
    get(target, name) {
      if (name === 'on') return on
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const on = (event: string, listener: (...args: unknown[]) => void): PoolClient => {
    if (event !== 'error') client.on(event as 'end', listener)
    return patient
  }
  return patient
}
