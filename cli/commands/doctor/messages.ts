import type { Language } from '../../locale.js'
import type { Choice, Rate } from './choice.js'
import type { Level, Step } from './finding.js'
import { englishDoctor } from './messages.en.js'
import { chineseDoctor } from './messages.zh.js'

/** What the doctor says. Two catalogues fill it. Milliseconds, bytes, bytes per second. */
export interface DoctorTexts {
  line: (level: Level, step: Step, text: string) => string
  well: (server: string) => string
  ill: (server: string, problems: number) => string

  endsAt: (server: string, step: Step | undefined) => string

  proxy: (proxy: string) => string
  name: (host: string, addresses: string, ms: number) => string
  nameless: (host: string, reason: string) => string
  connected: (where: string, ms: number) => string
  lossy: (where: string, ms: number, lost: number, tries: number) => string
  familyDead: (where: string, reason: string) => string
  unconnected: (where: string, reason: string) => string

  noTls: (reason: string) => string
  expired: (days: number, since: string) => string
  expiresSoon: (days: number, when: string) => string
  otherName: (host: string, names: string) => string
  untrusted: (reason: string, issuer: string) => string
  trusted: (protocol: string, days: number, issuer: string) => string

  noAnswer: (reason: string) => string
  roundTrip: (path: string, ms: number, jitterMs: number) => string
  shaky: (ms: number, jitterMs: number) => string
  clock: (seconds: number, isOff: boolean) => string
  isFerry: string
  notReady: (reasons: string) => string
  tokenInClear: string

  protocol: string
  methodLost: (method: string, status: number) => string
  headerLost: (method: string, header: string) => string
  uploads: (rate: number, bytes: number) => string
  uploadBroken: (reason: string) => string
  tooSmall: (bytes: number) => string
  streams: string
  heldBack: (seconds: number) => string
  there: (ms: number, busyMs: number | undefined, isProxy: boolean, isQueued: boolean) => string
  lossUnknown: string
  lossless: (bytes: number) => string
  resent: (percent: number, bytes: number, cause: 'line' | 'full' | 'unknown') => string
  parallel: (rates: readonly Rate[]) => string
  parallelBroken: (connections: number, reason: string) => string
  notParallel: string
  cannotJoin: string
  auto: (connections: number, reason: Choice['reason'], gain: number) => string
  bodyFree: (bytes: number) => string
  bodyLimit: (bytes: number, chunk: string) => string
  downloads: (rate: number, bytes: number) => string
  noDownload: (url: string, status: number) => string
  noRanges: (url: string) => string
  notThere: (md5: string) => string
  nothingToDownload: string
}

/** The catalogue of a language. */
export function doctorTextsIn(language: Language): DoctorTexts {
  return language === 'en' ? englishDoctor : chineseDoctor
}
