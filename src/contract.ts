/**
 * What crosses the wire between server, client and page: paths, JSON shapes, metadata keys, statuses.
 * Imports nothing, so that everybody can import it. Older clients depend on it: fields are only added.
 */

/** Paths of the service, below its origin. */
export const PATHS = {
  check: '/check',
  upload: '/upload',
  tus: '/tus',
  files: '/files',
  /** The page itself is at `/`; this is what it loads. */
  page: '/page',
  health: '/healthz',
  ready: '/readyz',
  metrics: '/metrics',
} as const

/** Keys in tus `Upload-Metadata`. All are optional. */
export const METADATA = {
  md5: 'md5',
  filename: 'filename',
  client: 'client',
  sha256: 'sha256',
  /** Of a partial upload that is placed in another: that one's id, … */
  of: 'of',
  /** … and from which byte on. */
  at: 'at',
} as const

/** Request and response headers of our own or with a meaning of our own (all in Node's lower case). */
export const HEADERS = {
  /** Request: the secret id of a client, so that /check can tell the owner of an upload `resumable`. */
  client: 'ferry-client',
  /** Response: the public URL of a finished upload (RFC 9110 8.7). */
  contentLocation: 'content-location',
  /**
   * Response, of uploads that take pieces: what is on disk ahead of the offset, as `start-end` (end not included) with commas
   * between, or `none`.
   */
  ahead: 'ferry-ahead',
} as const

/** What a tus door answers when the received bytes have another MD5 than declared (tus checksum extension's status). */
export const TUS_MISMATCH = 460

declare const md5Brand: unique symbol
/** An MD5 as 32 lower-case hex digits; only `parseMd5` makes one. */
export type Md5 = string & { readonly [md5Brand]: true }

/** The MD5 in lower case, or undefined where the text is none. */
export function parseMd5(text: unknown): Md5 | undefined {
  return typeof text === 'string' && /^[0-9a-f]{32}$/i.test(text) ? (text.toLowerCase() as Md5) : undefined
}

declare const sha256Brand: unique symbol
/** A SHA-256 as 64 lower-case hex digits; only `parseSha256` makes one. */
export type Sha256 = string & { readonly [sha256Brand]: true }

/** The SHA-256 in lower case, or undefined where the text is none. */
export function parseSha256(text: unknown): Sha256 | undefined {
  return typeof text === 'string' && /^[0-9a-f]{64}$/i.test(text) ? (text.toLowerCase() as Sha256) : undefined
}

/**
 * `GET /check?md5=[&sha256=][&wait=][&expires=]`: what the server knows of that MD5. `wait`: seconds to wait at most,
 * while it arrives from somebody else. Whoever declares a SHA-256 gets it back in every answer, so that he sees that it
 * was looked at; another content of that MD5 is the error `collision`. Without one, it is told as far as it is known.
 * `expires`: seconds that `signed` is to live, a link to a file that is not open to everybody; where files are open there
 * is none.
 */
export type CheckReply =
  | { status: 'exists'; url: string; size: number; sha256?: Sha256; signed?: string }
  | { status: 'notfound'; sha256?: Sha256 }
  | UploadingReply
  | ErrorReply

/**
 * `GET /check?size=`, in bytes: where not `possible`, nothing of that size is here or on its way, and whoever has such a
 * file may send it at once and tell its MD5 later.
 */
export type SizeReply = { status: 'notfound'; possible: boolean } | ErrorReply

/**
 * `POST /check?md5=&upload=[&sha256=]`: declares the MD5 of an unfinished upload (its id, the last part of its URL) that was
 * created without one. `bound`: go on with it. If not, the rest says why: the content is here, it arrives from somebody
 * else, or (`resumable`) the sender's own or an abandoned upload of it is further: create one with the MD5 to get that.
 */
export type BindReply = (Exclude<CheckReply, ErrorReply> & { bound: boolean }) | ErrorReply

/** `GET /check?md5s=`, several MD5s with commas between: an answer for each, in their order. */
export type ManyReply = { status: 'many'; answers: Exclude<CheckReply, ErrorReply>[] } | ErrorReply

/** So many MD5s can be asked for at once. */
export const MOST_MD5S = 256

/** The longest that `GET /check?wait=` waits, in seconds. */
export const LONGEST_WAIT = 60

/** `POST /upload?md5=&filename=&sha256=` */
export type UploadReply =
  { status: 'ok' | 'exists'; url: string; md5: Md5; sha256?: Sha256 } | UploadingReply | ErrorReply

/** Somebody's live upload has that MD5. Offset and size in bytes, as far as they are known. */
export interface UploadingReply {
  status: 'uploading'
  offset?: number
  size?: number
  /** True for the client that owns the upload: it may go on at once. */
  resumable?: true
  /** Seconds until the upload counts as dead if no further byte arrives. */
  retryAfter?: number
  /** As in `CheckReply`. */
  sha256?: Sha256
}

/** Every error of every door, as JSON. `code` is stable, `message` is for people. */
export interface ErrorReply {
  status: 'error'
  code: string
  message: string
}

/** Lower-case extension of a file name without its dot, `[a-z0-9]{1,10}`, else `bin`. */
export function extensionOf(filename: string): string {
  const match = /\.([a-z0-9]{1,10})$/i.exec(filename)
  return match?.[1] ? match[1].toLowerCase() : 'bin'
}
