import type { Agent } from 'node:http'
import type { Md5 } from '../../src/contract.js'
import type { Console } from '../console.js'
import type { Language } from '../locale.js'
import type { Progress } from '../progress.js'
import type { Limiter } from '../sending/limiter.js'

/** What one file and a whole manifest have in common. */
export interface Wishes {
  /** The server's base URL without a trailing slash: it has what is asked for by its MD5, and the token is for it. */
  server: string
  /** What relative paths are relative to. */
  cwd: string
  /** At most so many connections at once, a small file gets fewer; `auto`: as many as help. */
  connections: number | 'auto'
  /** Replace a file that has the name and another content. */
  force: boolean
  /** How long (ms) to try again without a new byte; 0 makes the first failure the last. */
  retryForMs: number
  /** The same, as the user wrote it. */
  retryFor: string
  /** Without a byte for so long (ms) a connection counts as dead; 30 s where nothing is said. */
  stallMs?: number
  /** Goes to the origin of `server` alone, as `Authorization: Bearer` (RFC 6750 2.1). */
  token?: string | undefined
  /** Further request headers, for the origin of `server` alone, too. */
  headers?: Record<string, string> | undefined
  /** Shares a rate among all connections. */
  limiter?: Limiter | undefined
  /** The agent for a URL, http: or https:, where a proxy is wanted. */
  agent?: ((url: URL) => Agent) | undefined
}

/** One file to get. */
export interface GetOrder extends Wishes {
  /** A URL with `/files/<md5>[.ext]` in it, or an MD5 (32 hex digits). */
  source: string
  /**
   * A file; a folder that is there or ends with a slash; `-`: `tools.stdout`. Undefined: the original name in `cwd`.
   */
  output: string | undefined
}

/** @public Everything that a manifest names. */
export interface GetAllOrder extends Wishes {
  /** The path of a CSV file (RFC 4180) whose first line names the columns; `path` and `url` are needed. */
  manifest: string
  /** The folder below which all paths of the manifest lie; made where it is missing. Undefined: `cwd`. */
  output: string | undefined
}

export interface GetTools {
  /** With the output `-` nothing is said, only warned: standard output belongs to the content. */
  console: Console
  language: Language
  /** With the output `-` it must not write to standard output. */
  progress: Progress
  /** Where the output `-` goes. */
  stdout: NodeJS.WritableStream
  signal: AbortSignal
}

/** How a file came to be where it is: from the server, or it was there already. */
export type GetResult =
  | { state: 'got'; path: string; md5: Md5; size: number }
  | { state: 'already'; path: string; md5: Md5 }
  | { state: 'streamed'; md5: Md5; size: number }
