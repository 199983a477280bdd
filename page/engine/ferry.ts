import type { ReadonlySignal } from '@preact/signals'
import type { Md5 } from '../../src/contract.js'
import type { Card } from './card.js'

/** An upload of an earlier visit that goes on when the same file is chosen again. */
export interface Unfinished {
  readonly key: string
  readonly name: string
  readonly size: number
  /** Bytes on the server, undefined until it has said so. */
  readonly bytes: number | undefined
}

/** A link of an earlier upload. `at`: milliseconds since 1970. */
export interface Past {
  readonly md5: Md5
  readonly name: string
  readonly size: number
  readonly link: string
  readonly at: number
}

/** What could not be taken in, and why. */
export interface Refusal {
  readonly name: string
  readonly why: 'twice' | 'too-large'
  /** The most that the server takes, in bytes, where that is the reason. */
  readonly limit?: number
}

/** What the page can do: everything behind the view. */
export interface Ferry {
  readonly cards: ReadonlySignal<readonly Card[]>
  readonly unfinished: ReadonlySignal<readonly Unfinished[]>
  /** Newest first. */
  readonly history: ReadonlySignal<readonly Past[]>
  /** Whether files are held over the page just now. */
  readonly isDragging: ReadonlySignal<boolean>
  /** What the last choice brought that was not taken in. */
  readonly refusals: ReadonlySignal<readonly Refusal[]>
  /** `wanted`: the server asks for a token. `wrong`: it has refused one. */
  readonly token: ReadonlySignal<'fine' | 'wanted' | 'wrong'>
  add(files: readonly File[]): void
  pause(card: Card): void
  /** Goes on after a pause. */
  resume(card: Card): void
  /** Stops it, removes what the server has of it, and takes the card away. Of a finished one only the card goes. */
  cancel(card: Card): void
  /** Begins a failed one again. */
  retry(card: Card): void
  /** Tries again at once what waits for the line. */
  hurry(card: Card): void
  /** Removes what the server has of an earlier visit's upload. */
  discard(unfinished: Unfinished): void
  clearHistory(): void
  /** `remember`: beyond this tab. */
  giveToken(token: string, remember: boolean): void
}
