import type { IntakeOptions } from '#src/intake/intake.js'

/** An intake with the usual times, and no limits. */
export const LIMITLESS: IntakeOptions = {
  leaseSeconds: 60,
  ttlHours: 24,
  maxSize: 0,
  minFree: 0,
  minRate: 0,
  maxOpenUploads: 0,
  maxOpenUploadsPerAddress: 0,
  maxCreationsPerMinute: 0,
}
