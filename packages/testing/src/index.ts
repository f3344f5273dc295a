export { FakeClock } from './fake/fake-clock.js'
export {
  type ClusterOptions,
  PostgresCluster,
  startCluster,
} from './postgres/postgres-cluster.js'
export { PostgresNode, type StopMode, type UrlOptions } from './postgres/postgres-node.js'
