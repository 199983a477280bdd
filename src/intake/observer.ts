/** How an upload ended. `known`: its content was on the shelf already, be it when it began or when it was complete. */
export type Ending = 'stored' | 'known' | 'mismatch' | 'failed' | 'broken-off' | 'terminated' | 'expired'

/** Hears what happens in the intake, to count it. Nothing that it does may fail. */
export interface Observer {
  /** An upload that came by this door is over. */
  ended(door: string, ending: Ending): void
  /** Bytes are on their way to the disk. */
  received(door: string, bytes: number): void
  checkpointed(seconds: number): void
  finished(seconds: number): void
}

/** For whoever does not count. */
export const NOBODY: Observer = {
  ended: () => undefined,
  received: () => undefined,
  checkpointed: () => undefined,
  finished: () => undefined,
}
