import type { LabPorts } from './ports.js'

const HOST = '127.0.0.1'
const PG_BIN = '/usr/lib/postgresql/15/bin'

/** How quickly Patroni gives a silent leader up, in seconds; far below its defaults of 30, 10 and 10. */
const TTL = 5
const LOOP_WAIT = 1
const RETRY_TIMEOUT = 2

/** What tells one node's configuration from another's. */
export interface NodeConfiguration {
  readonly cluster: string
  readonly name: string
  readonly port: number
  readonly restPort: number
  readonly etcdPort: number
  readonly dataDirectory: string
  readonly socketDirectory: string
  readonly passFile: string
  /** Commits wait for a standby, and only that one may succeed. */
  readonly synchronous: boolean
}

/**
 * Patroni reads YAML, of which JSON is a part. It speaks etcd's older API: with the newer one this version lets a
 * leader that was frozen and goes on overwrite the key of its successor.
 */
export function patroniConfiguration(node: NodeConfiguration): string {
  const rest = `${HOST}:${node.restPort}`
  return JSON.stringify({
    scope: node.cluster,
    name: node.name,
    restapi: { listen: rest, connect_address: rest },
    etcd: { host: `${HOST}:${node.etcdPort}` },
    bootstrap: {
      dcs: {
        ttl: TTL,
        loop_wait: LOOP_WAIT,
        retry_timeout: RETRY_TIMEOUT,
        maximum_lag_on_failover: 1_048_576,
        // A crashed server is failed over from at once, rather than restarted in place.
        master_start_timeout: 0,
        synchronous_mode: node.synchronous,
        postgresql: {
          use_pg_rewind: true,
          remove_data_directory_on_rewind_failure: true,
          remove_data_directory_on_diverged_timelines: true,
          parameters: {
            max_connections: 100,
            max_wal_senders: 8,
            max_replication_slots: 8,
            wal_keep_size: '128MB',
            shared_buffers: '16MB',
            wal_log_hints: 'on',
            hot_standby: 'on',
            wal_level: 'replica',
          },
        },
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, { auth: 'trust' }, 'no-sync'],
    },
    postgresql: {
      listen: `${HOST}:${node.port}`,
      connect_address: `${HOST}:${node.port}`,
      data_dir: node.dataDirectory,
      bin_dir: PG_BIN,
      pgpass: node.passFile,
      authentication: {
        superuser: { username: 'postgres' },
        replication: { username: 'replicator' },
        rewind: { username: 'postgres' },
      },
      pg_hba: [
        'local all all trust',
        `host all all ${HOST}/32 trust`,
        `host replication all ${HOST}/32 trust`,
      ],
      basebackup: [{ checkpoint: 'fast' }, 'no-sync'],
      // Nothing here has to survive the machine.
      parameters: { unix_socket_directories: node.socketDirectory, fsync: 'off', jit: 'off' },
    },
  })
}

/**
 * As Patroni's documentation sets it up, with checks twice a second. Beside its two ports there are two that behave as
 * services of Kubernetes do: they choose a server for each connection, and never end one.
 */
export function haproxyConfiguration(ports: LabPorts): string {
  const servers = ports.postgres.map(
    (port, index) => `  server n${index + 1} ${HOST}:${port} check port ${ports.rest[index]}`,
  )
  const listen = (name: string, port: number, path: string, ending: string): string[] => [
    `listen ${name}`,
    `  bind ${HOST}:${port}`,
    `  option httpchk OPTIONS ${path}`,
    '  http-check expect status 200',
    `  default-server inter 500ms fastinter 250ms fall 2 rise 1 ${ending}`,
    ...servers,
  ]
  const ends = 'on-marked-down shutdown-sessions'
  return `${[
    'global',
    '  maxconn 500',
    'defaults',
    '  mode tcp',
    '  timeout connect 1s',
    '  timeout client 30m',
    '  timeout server 30m',
    '  timeout check 1s',
    ...listen('writes', ports.haproxyWrites, '/primary', ends),
    ...listen('reads', ports.haproxyReads, '/replica', ends),
    ...listen('service_rw', ports.serviceWrites, '/primary', ''),
    ...listen('service_ro', ports.serviceReads, '/replica', ''),
  ].join('\n')}\n`
}

export function etcdArguments(ports: LabPorts, dataDirectory: string): string[] {
  const client = `http://${HOST}:${ports.etcd}`
  const peer = `http://${HOST}:${ports.etcdPeer}`
  return [
    ['--name', 'e1'],
    ['--data-dir', dataDirectory],
    ['--listen-client-urls', client],
    ['--advertise-client-urls', client],
    ['--listen-peer-urls', peer],
    ['--initial-advertise-peer-urls', peer],
    ['--initial-cluster', `e1=${peer}`],
    ['--log-level', 'error'],
    ['--unsafe-no-fsync', '--enable-v2'],
  ].flat()
}
