import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // How soon something is seen is no promise, unless a test names the time itself.
    expect: { poll: { timeout: 15_000 } },
    // Every test file starts real servers; two files at once is what two cores carry.
    maxWorkers: 2,
    // Real processes on a shared machine: a second try tells bad luck from a broken promise, and is reported.
    retry: process.env['CI'] ? 1 : 0,
  },
})
