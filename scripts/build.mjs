// Builds every package, each after the ones it depends on. Arguments go to turbo.
import { exitLike, runBin } from './run.mjs'

await runBin('turbo', ['run', 'build', '--output-logs=errors-only', ...process.argv.slice(2)], {
  env: { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
}).catch(exitLike)
