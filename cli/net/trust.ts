import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import tls, { type SecureContext, createSecureContext, rootCertificates } from 'node:tls'
import { ClientError, systemCodeOf } from '../errors.js'

/**
 * Whom to trust when the certificates in the PEM file `path` count beside those that Node trusts by itself
 * (`extraFile` is its NODE_EXTRA_CA_CERTS, which an explicit list would replace).
 * Throws `file-missing`, `file-unreadable` or `bad-ca`.
 */
export function trustWith(path: string, extraFile: string | undefined): SecureContext {
  const own = readText(path).match(CERTIFICATE) ?? []
  if (own.length === 0) throw new ClientError('bad-ca', { subject: path })
  try {
    // Read one by one: a context would silently leave out what is none.
    const certificates = own.map((text) => new X509Certificate(text).toString())
    return createSecureContext({ ca: [...byDefault(extraFile), ...certificates] })
  } catch (error) {
    throw new ClientError('bad-ca', { subject: path }, { cause: error })
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const reason = systemCodeOf(error) ?? String(error)
    const code = reason === 'ENOENT' ? 'file-missing' : 'file-unreadable'
    throw new ClientError(code, { subject: path, reason }, { cause: error })
  }
}

/** Node 22.15 and newer can tell what they trust; before, it has to be put together. */
function byDefault(extraFile: string | undefined): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] }
  if (getCACertificates) return getCACertificates('default')
  try {
    return extraFile ? [...rootCertificates, readText(extraFile)] : rootCertificates
  } catch {
    return rootCertificates // Node has warned of that file itself.
  }
}
