import type { Way } from '../../net/way.js'
import type { Messages } from '../../messages.js'
import type { DoctorTexts } from './messages.js'

export type Level = 'ok' | 'warning' | 'problem'

/** The steps from here to there, in the order in which they are looked at. */
export type Step =
  | 'proxy'
  | 'name'
  | 'connect'
  | 'tls'
  | 'http'
  | 'ferry'
  | 'clock'
  | 'token'
  | 'protocol'
  | 'upload'
  | 'streaming'
  | 'rtt'
  | 'loss'
  | 'parallel'
  | 'auto'
  | 'body'
  | 'download'

/** What was seen at a step: a sentence for people, the numbers in it for programs. */
export interface Finding {
  step: Step
  level: Level
  text: string
  facts?: Readonly<Record<string, unknown>>
}

/** What a look needs. */
export interface Case {
  /** The server's base URL. */
  server: string
  way: Way
  texts: DoctorTexts
  messages: Messages
  signal: AbortSignal
}

/** Looks at one or two steps; findings come as they are made. */
export type Look = (at: Case) => AsyncIterable<Finding>
