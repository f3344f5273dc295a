import type { PoolClient } from 'pg'

type On = (event: string, listener: (...args: unknown[]) => void) => PoolClient

/**
 * A client, for TypeORM. That takes a query runner for released once its client has had an 'error', and from then on says
 * no more than `QueryRunnerAlreadyReleasedError`. Without the news it goes on with the client, whose errors say what has
 * happened. The manager listens to the client itself, and replaces it.
 */
export function patientClient(client: PoolClient): PoolClient {
  return new Proxy(client, PATIENT)
}

/**
 * One for all clients. TypeORM takes a client for every query, and V8 would come to make a handler for each in old memory,
 * where all that it leads to survives until that is collected.
 */
const PATIENT: ProxyHandler<PoolClient> = {
  get(client, name, patient: PoolClient) {
    if (name === 'on') return onFor(client, patient)
    const value: unknown = Reflect.get(client, name, client)
    return typeof value === 'function' ? value.bind(client) : value
  },
}

function onFor(client: PoolClient, patient: PoolClient): On {
  return (event, listener) => {
    if (event !== 'error') client.on(event as 'end', listener)
    return patient
  }
}
