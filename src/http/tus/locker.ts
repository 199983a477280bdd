import type { Lock, Locker } from '@tus/server'
import type { Intake } from '../../intake/intake.js'

/** A running PATCH whose last byte is younger than this (milliseconds) is not disturbed by a HEAD. */
const MOVING = 2000

/** The library's locks are the intake's. `looking`: for HEAD, which takes no lock while bytes arrive. */
export function intakeLocker(intake: Intake, looking: boolean): Locker {
  return {
    newLock(id: string): Lock {
      let release: (() => void) | undefined
      return {
        async lock(signal, leave) {
          if (looking && intake.isMoving(id, MOVING)) return
          release = await intake.uploads.acquire(id, () => void leave(), signal)
        },
        unlock() {
          release?.()
          return Promise.resolve()
        },
      }
    },
  }
}
