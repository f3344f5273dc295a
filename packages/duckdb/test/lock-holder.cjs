// A process of its own that has a database open: `node lock-holder.cjs <file>`. It writes "open", and ends with its input.
const { DuckDBInstance } = require('@duckdb/node-api')
process.stdin.resume().on('end', () => process.exit(0))
DuckDBInstance.create(process.argv[2]).then(() => process.stdout.write('open\n'))
