import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'testkit/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    setupFiles: ['testkit/property-seed.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores: workers of tests start child processes and DuckDB of their own.
    maxWorkers: 2,
  },
})
