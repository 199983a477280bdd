/** What the page tells the thread that hashes. `at`, `state`: where an earlier run has stopped, in bytes. */
export type Order =
  | { kind: 'begin'; job: number; file: Blob; at: number; state: Uint8Array | undefined }
  | { kind: 'stop'; job: number }

/** What it hears from there. */
export type News =
  | { kind: 'progress'; job: number; at: number }
  | { kind: 'done'; job: number; md5: string }
  | { kind: 'stopped'; job: number; at: number; state: Uint8Array }
  | { kind: 'failed'; job: number; why: 'unreadable' | 'no-hash'; detail: string }
