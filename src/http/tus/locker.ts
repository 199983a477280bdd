import type { Lock, Locker } from '@tus/server'
import type { IntakeStore } from './store.js'

/** A running PATCH whose last byte is younger than this (milliseconds) is not disturbed by a HEAD. */
const MOVING = 2000

/**
 * The library's locks are the intake's; none is given back before its writing has ended. `looking`: for HEAD, which
 * takes no lock while bytes arrive.
 */
export function intakeLocker(store: IntakeStore, looking: boolean): Locker {
  const { intake } = store
  return {
    newLock(id: string): Lock {
      let release: (() => void) | undefined
      return {
        async lock(signal, leave) {
          if (looking && intake.isMoving(id, MOVING)) return
          release = await intake.uploads.acquire(id, () => void leave(), signal)
        },
        async unlock() {
          if (!release) return
          await store.settled(id)
          release()
        },
      }
    },
  }
}
