export {
  ALERTMANAGER_INSTALL_COMMAND,
  ALERTMANAGER_PROGRAMS,
  Alertmanager,
  findAlertmanager,
  type ShownAlert,
  startAlertmanager,
} from './alertmanager/alertmanager.js'
export { describeAlertmanager } from './alertmanager/describe-alertmanager.js'
export {
  CHROMIUM_INSTALL_COMMAND,
  CHROMIUM_PROGRAMS,
  findChromium,
} from './chromium/chromium.js'
export { allAtOnce, CALLERS_AT_ONCE, UndoneError } from './conformance/at-once.js'
export { describeDriver } from './conformance/describe-driver.js'
export {
  describePublishedQueries,
  type PublishingSubject,
} from './conformance/describe-published-queries.js'
export { describeReplay } from './conformance/describe-replay.js'
export type { Capability, DriverHarness } from './conformance/harness.js'
export type {
  ReplayedTransaction,
  ReplayHarness,
  ReplaySubject,
} from './conformance/replay-subject.js'
export { startItems } from './conformance/start-items.js'
export { canInstallPackages, installPrograms } from './debian/install-programs.js'
export {
  canFetchSuitePrograms,
  fetchSuiteProgram,
  findSuiteProgram,
  type SuiteProgram,
} from './debian/suite-programs.js'
export { eventually } from './eventually.js'
export { FakeClock } from './fake/fake-clock.js'
export { FakeConnection } from './fake/fake-connection.js'
export { FakeDriver } from './fake/fake-driver.js'
export { fakeEndpoint } from './fake/fake-endpoint.js'
export { type FakeManager, type FakeManagerOptions, fakeManager } from './fake/fake-manager.js'
export { FakeServer, type FakeServerState } from './fake/fake-server.js'
export { FakeError, type FakeOutcome, play } from './fake/outcome.js'
export type { FakeBehaviour, FakeCall, FakeMethod } from './fake/script.js'
export { findFreePort } from './free-port.js'
export {
  type DatabaseErrors,
  FAILURE_CLASSES,
  type FailureClass,
  failureClassOf,
} from './ledger/failure-class.js'
export { Ledger, type LedgerResult, type LedgerServer } from './ledger/ledger.js'
export { MadeUpManager } from './made-up-manager.js'
export { MYSQL_DATABASE, MYSQL_PASSWORDS, type MysqlAccount } from './mysql/accounts.js'
export { provokeDeadlock } from './mysql/deadlock.js'
export {
  describeEachProduct,
  describeMariadb,
  describeMysql,
  type MysqlLab,
} from './mysql/describe-products.js'
export { transactionsRenewed } from './mysql/innodb-trx.js'
export { MARIADB, MARIADB_INSTALL_COMMAND, MARIADB_PROGRAMS } from './mysql/mariadb.js'
export { MYSQL, SUITE_MYSQL } from './mysql/mysql.js'
export {
  MysqlCluster,
  type MysqlOptions,
  startMariadb,
  startMysql,
  startServers,
} from './mysql/mysql-cluster.js'
export { MysqlNode, type MysqlUrlOptions } from './mysql/mysql-node.js'
export type { MysqlProduct } from './mysql/product.js'
export type { ReplicationStatus } from './mysql/replication.js'
export { SERVER_STATUS } from './mysql/scripted/packets.js'
export {
  type MysqlError,
  type MysqlOk,
  type MysqlReply,
  type MysqlRows,
  type MysqlScript,
  type MysqlSession,
  type ScriptedMysql,
  startScriptedMysql,
} from './mysql/scripted/scripted-server.js'
export { Opened } from './opened.js'
export { calibrate, patient, slowness } from './patience.js'
export { describePgBouncer } from './pgbouncer/describe-pgbouncer.js'
export {
  findPgBouncer,
  type RunningPgBouncer,
  startPgBouncer,
  TRACKING_PGBOUNCER,
} from './pgbouncer/pgbouncer.js'
export { TEST_CERTIFICATE, TEST_KEY } from './postgres/certificate.js'
export {
  type ClusterOptions,
  PostgresCluster,
  startCluster,
} from './postgres/postgres-cluster.js'
export { PostgresNode, type StopMode, type UrlOptions } from './postgres/postgres-node.js'
export {
  type Script,
  type ScriptedLogin,
  type ScriptedServer,
  startScriptedServer,
} from './postgres/scripted-server.js'
export { Accidents } from './program/accidents.js'
export { type EarlyEnd, endOnSignals } from './program/end-on-signals.js'
export { describePrometheus } from './prometheus/describe-prometheus.js'
export {
  findPrometheus,
  PROMETHEUS_INSTALL_COMMAND,
  PROMETHEUS_PROGRAMS,
  type PrometheusAlert,
  type PrometheusSeries,
  RunningPrometheus,
  startPrometheus,
} from './prometheus/prometheus.js'
export { type Direction, FaultProxy, startFaultProxy } from './proxy/fault-proxy.js'
export type { ProxyTarget } from './proxy/link.js'
export { type SilentServer, startSilentServer } from './proxy/silent-server.js'
export { RecordedQueries, type RecordedQuery } from './recorded-queries.js'
export { sourceAliases } from './source-aliases.js'
