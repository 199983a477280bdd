import type { Md5 } from '../../src/contract.js'
import type { Console } from '../console.js'
import type { Messages } from '../messages.js'
import type { Way } from '../net/way.js'
import type { Progress } from '../progress.js'
import type { Results } from './results.js'

/** What every order to a server says. All values are checked; sizes are bytes. */
export interface CommonOrder {
  /** The server's base URL, without a trailing slash. */
  server: string
  way: Way
  retryForMs: number
  /** The same, as the user wrote it. */
  retryFor: string
  isJson: boolean
}

/** `ferry upload`. */
export interface UploadOrder extends CommonOrder {
  /** As typed: files, folders, patterns, and `-` for standard input, at most once. Never empty. */
  sources: readonly string[]
  /** Files at a time. */
  concurrency: number
  /** Connections for one file; `auto`: as many as help. */
  connections: number | 'auto'
  /** Hash a file first, and then send what the server lacks; else both at once. */
  hashFirst: boolean
  /** The MD5 proves nothing: the server has to have the SHA-256, too. */
  strict: boolean
  /** Wait while somebody else is uploading the same content. */
  wait: boolean
  /** Bytes per second, all files together; undefined: as fast as it goes. */
  limitRate: number | undefined
  /** The largest request body; undefined: the rest of a file in one request. */
  chunkSize: number | undefined
  dryRun: boolean
  include: readonly string[]
  exclude: readonly string[]
  /** Larger files are left out. */
  maxSize: number | undefined
  hidden: boolean
  followLinks: boolean
  /** An absolute path for the list of what was uploaded. */
  manifest: string | undefined
  /** The name of what comes from standard input. */
  name: string | undefined
  /** Remember MD5s of unchanged files between runs. */
  useCache: boolean
}

/** What `ferry get` is asked for. */
export type Wanted =
  | { kind: 'url'; url: string }
  | { kind: 'md5'; md5: Md5 }
  /** Everything in this list, an absolute path. */
  | { kind: 'manifest'; path: string }

/** `ferry get`. */
export interface GetOrder extends CommonOrder {
  /** Never empty. */
  wanted: readonly Wanted[]
  /** A file, or a folder (with a slash at its end one that may be missing), as typed; `-`: standard output; undefined: the current folder. */
  output: string | undefined
  /** Connections for one file; `auto`: as many as help. */
  connections: number | 'auto'
  /** Overwrite what is there. */
  force: boolean
  /** Bytes per second, all connections together. */
  limitRate: number | undefined
}

/** What a command works with. Results go to stdout; all else, through `console` and `progress`, to stderr. */
export interface CommandTools {
  results: Results
  console: Console
  messages: Messages
  progress: Progress
  /** Relative paths mean this folder. */
  folder: string
  stateFolder: string
  cacheFolder: string
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  /** No lines but warnings, errors and results. */
  isQuiet: boolean
  showsProgress: boolean
  signal: AbortSignal
}

/** What the commands that carry files do. They return the exit code; ClientErrors that they throw end the run. */
export interface Actions {
  upload(order: UploadOrder, tools: CommandTools): Promise<number>
  get(order: GetOrder, tools: CommandTools): Promise<number>
}
