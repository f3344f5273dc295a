const EXIT_CODES = `Exit codes:
  0  nothing to complain about
  1  findings at --fail-on or above (doctor); unfit or no primary (check)
  2  a mistake in the call
  3  nothing could be reached`

const ATTACH = `Where the process is:
  --socket PATH       the socket of serveInspection(managers, { path })
  --pid PID           the process that has called serveInspection() without a path
  --url URL --token T the port of serveInspection(managers, { port, token }); the token
                      may stand in CONNMGR_TOKEN instead
  Without any: CONNMGR_SOCKET, else the one process of this user that can be found.`

const COMMON = `  --json              print JSON; its shape is in the README
  --no-color          no colours; so do NO_COLOR and an output that is no terminal
  --help`

/** What `connmgr --help` prints, and `connmgr COMMAND --help`. */
export const USAGE = {
  general: `connmgr: look into a running pool, and examine a database.

Usage:
  connmgr doctor [--url URL…]   examine a database, and say what is wrong and how to mend it
  connmgr check [--url URL…]    is it there, and who takes writes: for scripts
  connmgr top                   watch the pools of a running process
  connmgr report                print the state of a running process once
  connmgr COMMAND --help

${EXIT_CODES}
`,
  doctor: `connmgr doctor: examines a database by its URL alone, and ends in ranked findings with fixes.
It reads, and changes nothing. What the role may not see is said as "not seen".

Usage: connmgr doctor [options]
  --url URL           postgres://, mysql://, mariadb://, file:; again for each server to fail over to
                      (default: DATABASE_URL and DATABASE_FAILOVER_URLS)
  --instances N       processes of the application (default 1)
  --limit N           connections of each at the most, poolSize + maxOverflow
                      (default: connection_limit of the URL, else DB_POOL_SIZE + DB_MAX_OVERFLOW, else 15)
  --max-lifetime MS   maxLifetimeMs of the application (default 3600000; 0: no limit)
  --idle-timeout MS   idleTimeoutMs of the application (default 600000; 0: no limit)
  --nat-timeout MS    after which idle connections are forgotten on the way (default 350000)
  --idle-transaction MS  from when on a session that is idle in a transaction, or waits for a lock,
                      is reported (default 5000)
  --timeout MS        for each server (default 30000)
  --fail-on WHAT      critical, warning, advice or never (default warning)
${COMMON}

${EXIT_CODES}
`,
  check: `connmgr check: connects, and says of each server whether it is healthy, its role and its latency.

Usage: connmgr check [options]
  --url URL           again for each server (default: DATABASE_URL and DATABASE_FAILOVER_URLS)
  --role ROLE         primary: one of them must take writes (default); any: one must answer;
                      all: all must answer, and one take writes
  --timeout MS        for all of it (default 5000)
${COMMON}

${EXIT_CODES}
`,
  top: `connmgr top: the pools, holders, queue and hot queries of a running process, again and again.

Usage: connmgr top [options]
${ATTACH}
Options:
  --interval MS       between two looks (default 1000)
  --once              print one look and end, as where the output is no terminal; with --json
                      each look is a line there
${COMMON}

Keys: q or Ctrl-C ends it.

${EXIT_CODES}
`,
  report: `connmgr report: prints the state of a running process once.

Usage: connmgr report [options]
${ATTACH}
Options:
  --format WHAT       text, json or html (default text)
  --timeout MS        (default 5000)
${COMMON}

${EXIT_CODES}
`,
} as const
