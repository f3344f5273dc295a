import type { Scenario } from '../scenario.js'
import { scenario as primaryCrash } from './01-primary-crash.js'
import { scenario as crashWithoutStandby } from './02-crash-without-standby.js'
import { scenario as fastShutdownIdle } from './03-fast-shutdown-idle.js'
import { scenario as fastShutdownMidQuery } from './04-fast-shutdown-mid-query.js'
import { scenario as immediateShutdown } from './05-immediate-shutdown.js'
import { scenario as smartShutdown } from './06-smart-shutdown.js'
import { scenario as quickRestart } from './07-quick-restart.js'
import { scenario as slowStart } from './08-slow-start.js'
import { scenario as longRecovery } from './09-long-recovery.js'
import { scenario as frozenPrimary } from './10-frozen-primary.js'
import { scenario as stoppedPostmaster } from './11-stopped-postmaster.js'
import { scenario as stoppedBackend } from './12-stopped-backend.js'
import { scenario as blackHole } from './13-black-hole.js'
import { scenario as blackHoleAtConnect } from './14-black-hole-at-connect.js'
import { scenario as oneWayLoss } from './15-one-way-loss.js'
import { scenario as latencySpike } from './16-latency-spike.js'
import { scenario as packetLoss } from './17-packet-loss.js'
import { scenario as halfOpen } from './18-half-open.js'
import { scenario as promotionAfterDeath } from './19-promotion-after-death.js'
import { scenario as plannedSwitchover } from './20-planned-switchover.js'
import { scenario as promotionUnderReads } from './21-promotion-under-reads.js'
import { scenario as begunBeforePromotion } from './22-begun-before-promotion.js'
import { scenario as demotedPrimary } from './23-demoted-primary.js'
import { scenario as oldTimeline } from './24-old-timeline.js'
import { scenario as splitBrain } from './25-split-brain.js'
import { scenario as twoNames } from './26-two-names.js'
import { scenario as onlyStandbys } from './27-only-standbys.js'
import { scenario as readOnlyPrimary } from './28-read-only-primary.js'
import { scenario as wrongCluster } from './29-wrong-cluster.js'
import { scenario as rebuiltCluster } from './30-rebuilt-cluster.js'
import { scenario as laggingStandby } from './31-lagging-standby.js'
import { scenario as replayPaused } from './32-replay-paused.js'
import { scenario as idlePrimary } from './33-idle-primary.js'
import { scenario as tokenAcrossFailover } from './34-token-across-failover.js'
import { scenario as dnsMoves } from './35-dns-moves.js'
import { scenario as dnsNamesDemoted } from './36-dns-names-demoted.js'
import { scenario as nxdomain } from './37-nxdomain.js'
import { scenario as badCredentials } from './38-bad-credentials.js'
import { scenario as passwordRotation } from './39-password-rotation.js'
import { scenario as badCertificate } from './40-bad-certificate.js'
import { scenario as noRoom } from './41-no-room.js'
import { scenario as exhaustedPool } from './42-exhausted-pool.js'
import { scenario as reconnectStorm } from './43-reconnect-storm.js'
import { scenario as flapping } from './44-flapping.js'
import { scenario as failback } from './45-failback.js'
import { scenario as commitInFlight } from './46-commit-in-flight.js'
import { scenario as synchronousWaitTerminated } from './47-synchronous-wait-terminated.js'
import { scenario as insertInFlight } from './48-insert-in-flight.js'
import { scenario as selectInFlight } from './49-select-in-flight.js'
import { scenario as listen } from './50-listen.js'
import { scenario as cursorMidFetch } from './51-cursor-mid-fetch.js'
import { scenario as preparedStatements } from './52-prepared-statements.js'
import { scenario as sessionState } from './53-session-state.js'
import { scenario as copyInProgress } from './54-copy-in-progress.js'
import { scenario as pipelinedQueries } from './55-pipelined-queries.js'
import { scenario as leakThroughFailover } from './56-leak-through-failover.js'
import { scenario as wallClock } from './57-wall-clock.js'
import { scenario as blockedEventLoop } from './58-blocked-event-loop.js'
import { scenario as suspendedProcess } from './59-suspended-process.js'
import { scenario as failoverDuringStart } from './60-failover-during-start.js'
import { scenario as closeMidFailover } from './61-close-mid-failover.js'
import { scenario as pgbouncerBetween } from './62-pgbouncer-between.js'
import { scenario as patroniApiWrong } from './63-patroni-api-wrong.js'
import { scenario as secondFailover } from './64-second-failover.js'
import { scenario as throughEachOrm } from './65-through-each-orm.js'
import { scenario as wanFirstQuery } from './66-wan-first-query.js'
import { scenario as wanBadNetwork } from './67-wan-bad-network.js'
import { scenario as wanSlowPassword } from './68-wan-slow-password.js'
import { scenario as wanSilence } from './69-wan-silence.js'
import { scenario as wanLongerPath } from './70-wan-longer-path.js'
import { scenario as forgottenSockets } from './71-forgotten-sockets.js'

/** All scenarios, by their numbers. */
export const SCENARIOS: readonly Scenario[] = [
  primaryCrash,
  crashWithoutStandby,
  fastShutdownIdle,
  fastShutdownMidQuery,
  immediateShutdown,
  smartShutdown,
  quickRestart,
  slowStart,
  longRecovery,
  frozenPrimary,
  stoppedPostmaster,
  stoppedBackend,
  blackHole,
  blackHoleAtConnect,
  oneWayLoss,
  latencySpike,
  packetLoss,
  halfOpen,
  promotionAfterDeath,
  plannedSwitchover,
  promotionUnderReads,
  begunBeforePromotion,
  demotedPrimary,
  oldTimeline,
  splitBrain,
  twoNames,
  onlyStandbys,
  readOnlyPrimary,
  wrongCluster,
  rebuiltCluster,
  laggingStandby,
  replayPaused,
  idlePrimary,
  tokenAcrossFailover,
  dnsMoves,
  dnsNamesDemoted,
  nxdomain,
  badCredentials,
  passwordRotation,
  badCertificate,
  noRoom,
  exhaustedPool,
  reconnectStorm,
  flapping,
  failback,
  commitInFlight,
  synchronousWaitTerminated,
  insertInFlight,
  selectInFlight,
  listen,
  cursorMidFetch,
  preparedStatements,
  sessionState,
  copyInProgress,
  pipelinedQueries,
  leakThroughFailover,
  wallClock,
  blockedEventLoop,
  suspendedProcess,
  failoverDuringStart,
  closeMidFailover,
  pgbouncerBetween,
  patroniApiWrong,
  secondFailover,
  throughEachOrm,
  wanFirstQuery,
  wanBadNetwork,
  wanSlowPassword,
  wanSilence,
  wanLongerPath,
  forgottenSockets,
].sort((a, b) => a.id - b.id)
