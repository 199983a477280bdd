import type { ClientError } from '../errors.js'

export interface FoundFile {
  kind: 'file'
  /** Where to open it. */
  path: string
  /** For messages: as the user typed it, and what leads on from there. */
  shownAs: string
  /**
   * For the manifest, with '/' between names: what lies in a folder begins with the folder's own name; a file that was
   * named by itself is as it was typed, or only its name where that is absolute or leads upwards.
   */
  relative: string
  /** Bytes, when it was found. */
  size: number
}

/** Why something is not uploaded that no pattern and no dot excludes. */
export interface Skipped {
  kind: 'skipped'
  shownAs: string
  /** `loop`: a link to a folder that holds it, or that another link has led to. */
  why: 'not-a-file' | 'link' | 'loop' | 'too-large'
}

/** What could not be found or read; the rest goes on. */
export interface Problem {
  kind: 'problem'
  /** `file-missing` or `file-unreadable`, also for folders. Its subject is the name to show. */
  error: ClientError
}

export type Found = FoundFile | Skipped | Problem
