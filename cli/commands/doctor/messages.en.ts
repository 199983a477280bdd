import { formatBytes } from '../../speed.js'
import type { Choice } from './choice.js'
import type { DoctorTexts } from './messages.js'

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there: is the server started, and the port right?',
  ETIMEDOUT: 'no answer: a wrong address, or a firewall that drops packets',
  EHOSTUNREACH: 'no route: is this machine on the network, and the address right?',
  ENETUNREACH: 'no route: is this machine on the network, and the address right?',
  ECONNRESET: 'the connection is cut: a firewall, or https where http is spoken or the other way round',
}

const CAUSES = {
  line: ': the line loses packets, and each loss slows a connection down; a cable instead of Wi-Fi may help, and several connections do',
  full: ', as it happens where a line is full: no reason to worry',
  unknown: '',
}

/** The doctor in English. */
export const englishDoctor: DoctorTexts = {
  line: (level, step, text) => `${level.padEnd(8)} ${step.padEnd(9)} ${text}`,
  well: (server) => `[INFO] Nothing is wrong between here and ${server}`,
  ill: (server, problems) => `[INFO] ${problems} problem(s) between here and ${server}`,

  endsAt: (server, step) => `[INFO] The way to ${server} ends at this step: ${step}`,

  proxy: (proxy) => `requests go through ${proxy}; NO_PROXY makes exceptions`,
  name: (host, addresses, ms) => `${host} is ${addresses} (${ms} ms)`,
  nameless: (host, reason) =>
    `${host} has no address (${reason}): check the spelling, and this machine's DNS`,
  connected: (where, ms) => `${where} connects in ${ms} ms (3 of 3 tries)`,
  lossy: (where, ms, lost, tries) =>
    `${where} connects in ${ms} ms, but ${lost} of ${tries} tries failed: a lossy line, give --retry-for a longer time`,
  familyDead: (where, reason) => `${where} does not connect (${withAdvice(reason)}); the other family does`,
  unconnected: (where, reason) => `${where} does not connect (${withAdvice(reason)})`,

  noTls: (reason) => `no TLS connection (${reason}): does the server speak https on this port?`,
  expired: (days, since) => `the certificate expired ${days} day(s) ago (${since}): renew it on the server`,
  expiresSoon: (days, when) => `the certificate expires in ${days} day(s) (${when}): renew it on the server`,
  otherName: (host, names) =>
    `the certificate is not for ${host} but for ${names}: use one of these names, or another certificate`,
  untrusted: (reason, issuer) =>
    `the certificate of ${issuer} is not trusted (${reason}): give your own authority's with --ca FILE`,
  trusted: (protocol, days, issuer) => `${protocol}, certificate of ${issuer} valid for ${days} more day(s)`,

  noAnswer: (reason) => `no HTTP answer (${withAdvice(reason)})`,
  roundTrip: (path, ms, jitterMs) => `${path} answers in ${ms} ms (median of 5, jitter ${jitterMs} ms)`,
  shaky: (ms, jitterMs) =>
    `answers in ${ms} ms, jitter ${jitterMs} ms: a busy or wireless line, expect breaks; uploads go on by themselves`,
  clock: (seconds, isOff) =>
    `the server's clock is ${seconds} s from ours${isOff ? ': set the wrong one, times in logs and links are off' : ''}`,
  isFerry: '/check answers as a Ferry server, which takes uploads',
  notReady: (reasons) => `the server takes no uploads now: ${reasons}`,
  tokenInClear: 'the token goes over http, for everybody on the way to read: use https',

  protocol: 'POST, PATCH, HEAD and their Upload-* headers get through',
  methodLost: (method, status) =>
    `${method} does not get through (HTTP ${status}): let the proxy pass ${method} and the headers Tus-Resumable and Upload-*`,
  headerLost: (method, header) =>
    `the answer to ${method} has lost its ${header}: let the proxy pass this header through unchanged`,
  uploads: (rate, bytes) => `${formatBytes(rate)}/s up (${formatBytes(bytes)} sent, nothing stored)`,
  uploadBroken: (reason) => `sending broke off (${withAdvice(reason)})`,
  tooSmall: (bytes) =>
    `not measured: the server takes no files of ${formatBytes(bytes)} (MAX_SIZE in its .env)`,
  streams: 'bytes reach the server as they are sent',
  heldBack: (seconds) =>
    `bytes had not reached the server after ${seconds} s: a proxy holds requests back (nginx: proxy_request_buffering off); until then use --chunk-size 8M`,
  there: (ms, busyMs, isProxy, isQueued) => {
    const way = isProxy ? 'to the proxy and back, what lies behind it not counted' : 'to the server and back'
    const busy = busyMs === undefined ? '' : `; ${busyMs} ms while sending`
    const advice = 'a queue on the way fills up, and all else waits in it: --limit-rate keeps it short'
    return `${ms} ms ${way}${busy}${isQueued ? `, ${advice}` : ''}`
  },
  lossUnknown:
    'not measured: the program ss (Linux, iproute2) is not here, or knows nothing of our connections',
  lossless: (bytes) => `nothing of ${formatBytes(bytes)} had to be sent again`,
  resent: (percent, bytes, cause) =>
    `${percent} % of ${formatBytes(bytes)} had to be sent again${CAUSES[cause]}`,
  parallel: (rates) =>
    `${rates.map(({ connections, bytesPerSecond }) => `${connections === 1 ? '1 connection' : connections} ${formatBytes(bytesPerSecond)}/s`).join(', ')} up`,
  parallelBroken: (connections, reason) =>
    `with ${connections} connections at once sending broke off (${withAdvice(reason)}): if fewer work, give upload --connections 1`,
  notParallel: 'not measured: hardly anything got through in the time for it',
  cannotJoin:
    'not measured: the server does not announce tus concatenation, a file has one connection there (an older server: update it; or a proxy that answers OPTIONS itself: let it pass)',
  auto: (connections, reason, gain) =>
    `upload --connections auto would use ${connections}: ${whyAuto(reason, gain)}`,
  bodyFree: (bytes) => `a request of ${formatBytes(bytes)} is let in`,
  bodyLimit: (bytes, chunk) =>
    bytes === 0
      ? 'not even a request of 64 KiB is let in (HTTP 413): raise the limit (nginx: client_max_body_size 0)'
      : `requests larger than ${formatBytes(bytes)} are refused (HTTP 413): --chunk-size ${chunk}, or raise the limit (nginx: client_max_body_size 0)`,
  downloads: (rate, bytes) => `${formatBytes(rate)}/s down (${formatBytes(bytes)} fetched)`,
  noDownload: (url, status) => `${url} can't be fetched (HTTP ${status}): does the proxy pass /files on?`,
  noRanges: (url) =>
    `${url} comes whole where a range was asked for: a proxy drops Range, a broken download would start over`,
  notThere: (md5) => `not measured: the server does not have ${md5}`,
  nothingToDownload: 'not measured: give ferry doctor an MD5 that the server has',
}

function whyAuto(reason: Choice['reason'], gain: number): string {
  if (reason === 'quick') return 'one alone is quick here'
  if (reason === 'full') return `one alone fills the line, several bring ${gain} times as much`
  return 'one alone is held back by loss or distance, several bring much more'
}

function withAdvice(reason: string): string {
  const advice = REASONS[reason]
  return advice ? `${reason}, ${advice}` : reason
}
