/** @jest-config-loader esbuild-register */
import type { Config } from 'jest'
import { calibrate, patient } from './packages/testing/src/patience'
import { QUICK_FILES, QUICK_RUNS } from './test/quick-tests'

/** A function, because it measures how slow the machine is, for the deadlines of tests. */
export default async function config(): Promise<Config> {
  await calibrate()
  const quick = process.env.CONNMGR_TEST_QUICK !== undefined
  if (quick) process.env.FUZZ_RUNS ??= QUICK_RUNS
  return {
    testEnvironment: 'node',
    roots: ['<rootDir>/packages', '<rootDir>/test'],
    testMatch: quick ? QUICK_FILES.map((file) => `<rootDir>/${file}`) : ['**/*.test.ts'],
    testPathIgnorePatterns: ['/node_modules/', '/dist/'],
    modulePathIgnorePatterns: ['/dist/'],
    transform: {
      '^.+\\.m?tsx?$': [
        '@swc/jest',
        {
          sourceMaps: 'inline',
          module: { type: 'commonjs' },
          jsc: {
            target: 'es2022',
            keepClassNames: true,
            parser: { syntax: 'typescript', decorators: true },
            transform: { legacyDecorator: true, decoratorMetadata: true },
          },
        },
      ],
    },
    moduleNameMapper: {
      '^@connmgr/core/driver$': '<rootDir>/packages/core/src/driver-kit.ts',
      '^@connmgr/cli/server$': '<rootDir>/packages/cli/src/server.ts',
      '^@connmgr/mysql/mariadb$': '<rootDir>/packages/mysql/src/mariadb/mariadb-pool.ts',
      '^@connmgr/drizzle/(mysql|sqlite)$': '<rootDir>/packages/drizzle/src/$1/index.ts',
      '^@connmgr/([a-z0-9-]+)$': '<rootDir>/packages/$1/src/index.ts',
      '^(\\.{1,2}/.*)\\.js$': '$1',
    },
    testSequencer: '<rootDir>/scripts/longest-first-sequencer.cjs',
    setupFilesAfterEnv: [
      '<rootDir>/packages/testing/src/test-timeout.ts',
      '<rootDir>/packages/testing/src/fixed-seed.ts',
    ],
    maxWorkers: 2,
    // Without anything left that holds it, the end of a process takes a second where many compete for the processor.
    workerGracefulExitTimeout: patient(2000),
    // Storages of asynchronous context that earlier files have left make every promise of a process dearer.
    workerIdleMemoryLimit: '300MB',
    collectCoverageFrom: ['packages/*/src/**/*.ts', '!**/*.test.ts', '!**/*.test-d.ts'],
  }
}
