import { type ClientError, type ErrorCode, type Facts, asClientError } from './errors.js'
import { english } from './messages.en.js'
import { chinese } from './messages.zh.js'
import type { Language } from './locale.js'

/** Every line the client can print. Two catalogues fill it, `messages.zh.ts` and `messages.en.ts`. */
export interface Messages {
  usingServer: (server: string) => string
  hashing: (path: string) => string
  hashingProgress: (name: string, percent: string, done: number, size: number) => string
  hashed: (md5: string) => string
  checking: (url: string) => string
  alreadyThere: string
  uploading: (path: string, size: number) => string
  goesOnFrom: (offset: number, size: number) => string
  uploadingProgress: (name: string, percent: string, done: number, size: number) => string
  startsOver: string
  waitingForOther: (path: string) => string
  tryingAgain: (problem: string, seconds: string) => string
  changedSince: (path: string) => string
  success: (url: string) => string
  hashingLabel: string
  uploadingLabel: string
  timeLeft: (time: string) => string

  /** `ferry upload`. */
  upload: UploadTexts

  /** An error line without its `[ERROR] `. */
  problems: Record<ErrorCode, (facts: Facts, cause: string) => string>
  error: (problem: string) => string
  usageHint: string
  help: HelpTexts
}

interface UploadTexts {
  /** The line for everything together: how many files are done, of how many, and which more may come. */
  total: (done: number, files: number, isAll: boolean) => string
  about: (path: string, problem: string) => string
  skipped: Record<'not-a-file' | 'link' | 'loop' | 'too-large', (path: string) => string>
  summary: (facts: { stored: number; known: number; failed: number; sent: string; seconds: string }) => string
  nothing: string
  wouldSend: (path: string, size: string) => string
  isKnown: (path: string, url: string) => string
  isArriving: (path: string) => string
  waitingLabel: string
  reading: string
  /** Of what comes from standard input nobody knows how much it will be. */
  pipeProgress: (name: string, done: string) => string
}

interface HelpTexts {
  description: string
  usage: string
  usageTitle: string
  optionsTitle: string
  file: string
  server: string
  retryFor: string
  help: string
  version: string
  after: string
}

/** The catalogue of a language. */
export function messagesIn(language: Language): Messages {
  return language === 'en' ? english : chinese
}

/** What went wrong in words, with the cause where the error only sums one up. */
export function describe(error: ClientError, messages: Messages): string {
  const cause = error.code === 'gave-up' ? describe(asClientError(error.cause), messages) : ''
  return messages.problems[error.code](error.facts, cause)
}
