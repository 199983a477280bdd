import type { Arrival } from './arrival.js'
import { checkpoint } from './checkpoint.js'
import { openPart } from './open-part.js'
import type { Stores } from './stores.js'

/** Makes what an arrival has durable, when nobody writes it. Errors: those of `openPart` and `checkpoint`. */
export async function keep(arrival: Arrival, stores: Stores): Promise<void> {
  if (arrival.durable === arrival.front || !arrival.resumable) return
  const part = await openPart(arrival, stores)
  try {
    await checkpoint(arrival, part, stores)
  } finally {
    await part.close()
  }
}
