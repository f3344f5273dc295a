/** Mutation testing of the pool and of leak detection: `npm run mutate`. */
export default {
  testRunner: 'jest',
  // It would rewrite the paths in it by an interface that TypeScript 7 no longer has; the tests need none.
  tsconfigFile: 'none',
  plugins: ['@stryker-mutator/jest-runner'],
  jest: {
    configFile: 'jest.config.ts',
    config: {
      // What these folders promise is to be held by their own tests.
      testMatch: ['<rootDir>/packages/core/src/{pool,leaks}/*.test.ts'],
      // Every mutant of the pool would run the long fuzz, and shrink what it finds.
      testPathIgnorePatterns: ['/node_modules/', 'fuzz'],
    },
  },
  mutate: [
    'packages/core/src/pool/*.ts',
    'packages/core/src/leaks/*.ts',
    '!packages/core/src/**/*.test.ts',
  ],
  ignorePatterns: ['dist', '.turbo', 'docs', 'proof', 'examples'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 5000,
  reporters: ['clear-text', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false },
  tempDirName: '.stryker-tmp',
}
