import type { Facts } from './errors.js'
import type { Messages } from './messages.js'

/** The English twin of the documented lines. */
export const english: Messages = {
  usingServer: (server) => `[INFO] Server: ${server}`,
  hashing: (path) => `[INFO] Computing the MD5 of the local file: ${path}`,
  hashingProgress: (name, percent, done, size) => `[INFO] MD5: ${name} ${percent}% (${done}/${size})`,
  hashed: (md5) => `[INFO] MD5 of the file: ${md5}`,
  checking: (url) => `[INFO] Check (GET) => ${url}`,
  alreadyThere: '[INFO] The server has this file already, nothing to upload',
  uploading: (path, size) => `[INFO] Upload: ${path} (size=${size})`,
  goesOnFrom: (offset, size) => `[INFO] Going on from ${offset}/${size}`,
  uploadingProgress: (name, percent, done, size) => `[PROGRESS] ${name} ${percent}% (${done}/${size})`,
  startsOver:
    "[WARN] What an earlier upload had left behind does not match the file's MD5: starting over from zero",
  waitingForOther: (path) => `[INFO] Another client is uploading this file, waiting for it: ${path}`,
  tryingAgain: (problem, seconds) => `[WARN] ${problem}, trying again in ${seconds} s`,
  changedSince: (path) =>
    `[WARN] What was uploaded is verified, but the local file has changed since: ${path}`,
  success: (url) => `[SUCCESS] Uploaded: ${url}`,
  hashingLabel: 'MD5',
  uploadingLabel: 'Upload',
  timeLeft: (time) => `ETA ${time}`,

  upload: {
    total: (done, files, isAll) => `${done}/${files}${isAll ? '' : '+'} files`,
    about: (path, problem) => `${path}: ${problem}`,
    skipped: {
      'not-a-file': (path) => `[INFO] Left out, not a regular file: ${path}`,
      link: (path) => `[INFO] Left out, a symbolic link (take it with --follow-links): ${path}`,
      loop: (path) => `[WARN] Left out, a link that leads back or to what is taken already: ${path}`,
      'too-large': (path) => `[INFO] Left out, larger than --max-size: ${path}`,
    },
    summary: ({ stored, known, failed, sent, seconds }) =>
      `[INFO] ${stored} uploaded, ${known} already there, ${failed} failed; ${sent} in ${seconds}`,
    nothing: '[WARN] Nothing to upload: no file matches',
    wouldSend: (path, size) => `would be sent (${size}): ${path}`,
    isKnown: (path, url) => `already there: ${path} ${url}`,
    isArriving: (path) => `arriving from another client: ${path}`,
    waitingLabel: 'Waiting',
    reading: 'standard input',
    pipeProgress: (name, done) => `[PROGRESS] ${name} ${done}`,
  },

  problems: {
    'no-file-given': () => 'No file given',
    'unknown-option': ({ subject }) => `Unknown option: ${subject}`,
    'value-missing': ({ subject }) => `This option needs a value: ${subject}`,
    'unexpected-argument': ({ subject }) =>
      `Unexpected argument: ${subject} (quote a path that contains spaces)`,
    'bad-server': ({ subject }) => `Not a server address: ${subject} (expected host:port or an http(s) URL)`,
    'bad-duration': ({ subject }) => `Not a duration: ${subject} (for example 30s, 10m, 2h)`,
    'bad-usage': ({ reason }) => `Wrong usage: ${reason}`,
    'bad-proxy': ({ subject }) =>
      `${subject} in the environment is no proxy address (expected http://host:port, https:// or socks5://)`,
    'bad-ca': ({ subject }) => `No certificates in this file: ${subject} (--ca expects PEM)`,
    'bad-token': ({ subject }) => `No usable token in ${subject} (expected one line of visible ASCII)`,

    'file-missing': ({ subject }) => `No such file: ${subject}`,
    'file-unreadable': ({ subject, reason }) => `Cannot read the file: ${subject} (${reason})`,
    'not-a-file': ({ subject }) => `Not a regular file: ${subject}`,
    'file-unwritable': ({ subject, reason }) => `Cannot write the file: ${subject} (${reason})`,

    'host-unknown': ({ subject }) => `Unknown host: ${subject}`,
    'not-ferry': ({ subject, reason }) => `Not a ferry server: ${subject} (${reason})`,
    untrusted: ({ subject, reason }) =>
      `The certificate of ${subject} is not trusted (${reason}); give your own authority's with --ca, see ferry doctor`,
    'not-allowed': ({ subject, status }) =>
      `${subject} wants another token (HTTP ${status}): ferry login, or --token-file`,
    'no-expiry': ({ subject }) =>
      `${subject} gives no links that expire: its files are open to everyone who has their link. Leave --expires out, or set DOWNLOAD_TOKEN on the server`,
    'proxy-refuses': ({ subject, status }) =>
      `The proxy ${subject} refuses (HTTP ${status}): put http://user:password@host:port into the proxy variable`,
    redirected: ({ subject }) => `The server points to another address, use -server ${subject}`,
    refused: ({ status, reason }) => `The server refuses (HTTP ${status}${and(reason)})`,
    'too-large': ({ reason }) => `The file is larger than the server accepts (HTTP 413${and(reason)})`,
    'body-limit': () =>
      'A proxy on the way to the server refuses even requests of 1 MiB (HTTP 413): raise its limit (nginx: client_max_body_size)',
    unconfirmed: () => 'The transfer ended, but the server does not confirm yet that the file is stored',
    'not-stored': () => 'The transfer ended several times, but the server never stored the file',
    'line-down': ({ reason }) => `No connection to the server (${reason})`,
    stalled: ({ reason }) => `No data moved for ${reason} s`,
    'server-trouble': ({ status, reason }) =>
      `The server cannot answer right now (HTTP ${status}${and(reason)})`,
    'disk-full': ({ reason }) => `The server's disk is full (HTTP 507${and(reason)})`,
    'upload-gone': ({ status }) => `The server no longer has the unfinished upload (HTTP ${status})`,
    'pipe-lost': () =>
      'The server lost a part of what came from standard input, and it can not be read again: run the command again',
    'gave-up': ({ subject }, cause) =>
      `${cause}; gave up after ${subject} without any progress. The same command goes on where it stopped`,
    unexpected: ({ reason }) => `Unexpected error: ${reason}`,

    'uploading-elsewhere': (facts) =>
      `Another client is uploading this file${progressOf(facts)}, try again later`,

    'file-changed': ({ subject }) =>
      `The file changed while it was uploaded, run the command again: ${subject}`,
    mismatch: () =>
      "Integrity error: the server received other data than the file's MD5 says; nothing of it is stored",
    collision: () =>
      'Integrity error: two files have this MD5 and differ (SHA-256). Yours is not stored, and what the server has is not yours',
    'no-sha256': ({ subject }) =>
      `Integrity error: ${subject} does not compare SHA-256, as --strict demands (an older version?)`,

    'unknown-content': ({ subject }) => `The server does not have it: ${subject}; ferry upload sends it`,

    interrupted: () => 'Interrupted. The same command goes on where it stopped',
    terminated: () => 'Terminated. The same command goes on where it stopped',

    'bad-source': ({ subject }) =>
      `Neither an MD5 (32 hex digits) nor a URL with /files/<md5> in it: ${subject}`,
    'bad-manifest': ({ subject, reason }) => `Not a manifest: ${subject} (${reason})`,
    'unsafe-path': ({ subject }) => `This path leads out of the folder or can't be a file here: ${subject}`,
    'not-there': ({ subject, status }) => `The server does not have this file: ${subject} (HTTP ${status})`,
    'name-taken': ({ subject }) =>
      `Something else has this name already: ${subject} (choose another with -o, or replace it with --force)`,
    unwritable: ({ subject, reason }) => `Cannot write: ${subject} (${reason})`,
    'getting-elsewhere': ({ subject }) => `Another process is just getting this file: ${subject}`,
    'wrong-content': ({ subject }) =>
      `Integrity error: what the server sent does not have the MD5 that its address says: ${subject}`,
  },
  error: (problem) => `[ERROR] ${problem}`,
  usageHint: 'Usage: ferry -file <file> [-server <host:port>]; see ferry --help',
  help: {
    description:
      'Carries big files over bad networks: resumes, stores the same content once, verifies its MD5.',
    usage: '-file <file> [-server <host:port>]',
    usageTitle: 'Usage:',
    optionsTitle: 'Options:',
    file: 'the file to upload',
    server: 'host:port, host or URL (default: HOST and HTTP_PORT from .env)',
    retryFor: 'how long to try again without any progress, for example 30s, 10m, 2h',
    help: 'show this help',
    version: 'show the version',
    after: `
-file and --file are the same, so are -server and --server.
Folders, downloads, diagnosis and more: ferry help
Language: FERRY_LANG=zh-CN|en, otherwise the locale of the system.

Exit codes:
  0 stored or there already   1 failed   2 usage   3 another client is uploading   4 integrity   130 interrupted

Examples:
  ferry -file example.mp4 -server 192.0.2.7:8080
  ferry -f example.mp4 -s https://files.example.org/ferry --retry-for 2h`,
  },
}

function and(reason: string | undefined): string {
  return reason ? `: ${reason}` : ''
}

function progressOf({ offset, size }: Facts): string {
  if (offset === undefined) return ''
  return size === undefined ? ` (${offset} bytes so far)` : ` (${offset}/${size})`
}
