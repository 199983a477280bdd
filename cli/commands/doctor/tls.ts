import { type PeerCertificate, TLSSocket, checkServerIdentity } from 'node:tls'
import { PATHS } from '../../../src/contract.js'
import { systemCodeOf } from '../../errors.js'
import { exchange } from './exchange.js'
import type { Case, Finding } from './finding.js'

const DAY_MS = 86_400_000
/** A certificate that nobody renews by then will be forgotten. */
const SOON_DAYS = 14

/** The server's certificate, also where it is not to be trusted; nothing secret is sent. */
export async function* lookAtTls({ server, way, texts, signal }: Case): AsyncIterable<Finding> {
  if (!server.toLowerCase().startsWith('https:')) return
  const url = `${server}${PATHS.health}`
  const question = { method: 'HEAD', url, agent: way.agentFor(url), signal, trustsAnybody: true } as const
  let socket
  try {
    socket = (await exchange(question)).socket
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const reason = systemCodeOf(error) ?? String(error)
    yield { step: 'tls', level: 'problem', text: texts.noTls(reason), facts: { reason } }
    return
  }
  // A proxy that refuses the tunnel answers itself, in the clear: the next step shows with what.
  if (socket instanceof TLSSocket) yield certificateFinding(socket, new URL(server).hostname, texts)
}

function certificateFinding(socket: TLSSocket, host: string, texts: Case['texts']): Finding {
  const certificate = socket.getPeerCertificate()
  const days = Math.floor((Date.parse(certificate.valid_to) - Date.now()) / DAY_MS)
  const facts = {
    protocol: socket.getProtocol(),
    daysLeft: days,
    validTo: certificate.valid_to,
    issuer: issuerOf(certificate),
    trusted: socket.authorized,
  }
  const [level, text] = verdict(socket, certificate, host, days, texts)
  return { step: 'tls', level, text, facts }
}

function verdict(
  socket: TLSSocket,
  certificate: PeerCertificate,
  host: string,
  days: number,
  texts: Case['texts'],
): [Finding['level'], string] {
  const isNamed = checkServerIdentity(host.replace(/^\[|\]$/g, ''), certificate) === undefined
  if (days < 0) return ['problem', texts.expired(-days, certificate.valid_to)]
  if (!isNamed) return ['problem', texts.otherName(host, certificate.subjectaltname ?? '-')]
  // Node declares an Error here; in truth it is the code, a string.
  if (!socket.authorized)
    return ['problem', texts.untrusted(String(socket.authorizationError), issuerOf(certificate))]
  const ok = texts.trusted(socket.getProtocol() ?? '', days, issuerOf(certificate))
  return days < SOON_DAYS ? ['warning', texts.expiresSoon(days, certificate.valid_to)] : ['ok', ok]
}

function issuerOf({ issuer }: PeerCertificate): string {
  return [issuer?.O ?? issuer?.CN ?? '?'].flat().join(' ')
}
