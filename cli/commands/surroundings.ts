import type { Language } from '../locale.js'

/** The process as a command sees it; only main.ts touches the real one. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>
  platform: string
  /** What relative paths mean. */
  folder: string
  /** Where a last `.env` with the default server may be. */
  packageFolder: string
  version: string
  language: Language
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  /** Aborted, with a ClientError, when the user wants to leave. */
  signal: AbortSignal
}
