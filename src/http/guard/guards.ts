import type { RequestHandler } from 'express'
import type { Config } from '../../config.js'
import { accessGuards, type AccessGuards } from './access.js'
import { filesElsewhere, onlyFilesThere } from './files-host.js'
import { hostGuard } from './hosts.js'
import { corsGuard, originGuard, Origins } from './origins.js'
import type { Signer } from './signer.js'

/** What a request has to pass before it comes to a door, each a file of this folder. */
export interface Guards extends Pick<AccessGuards, 'upload' | 'check'> {
  host: RequestHandler
  filesHost: RequestHandler
  cors: RequestHandler
  origin: RequestHandler
  files: RequestHandler[]
  /** True where files are not for everybody, and no cache between us and the reader may keep them. */
  areFilesClosed: boolean
  trustProxy: Config['trustProxy']
}

/** The guards that the operator's settings ask for. */
export function createGuards(config: Config, signer: Signer | undefined): Guards {
  const { host, publicUrl, filesOrigin, allowedHosts, allowedOrigins, trustProxy } = config
  const origins = new Origins(publicUrl, allowedOrigins)
  const access = accessGuards(config.uploadTokens, config.downloadTokens, signer)
  const inLinks = [publicUrl, filesOrigin].filter(Boolean).map((url) => new URL(url).host)
  return {
    host: hostGuard([host, ...inLinks], allowedHosts),
    filesHost: onlyFilesThere(filesOrigin),
    cors: corsGuard(origins),
    origin: originGuard(origins),
    upload: access.upload,
    check: access.check,
    files: [access.files, filesElsewhere(filesOrigin, signer)],
    areFilesClosed: signer !== undefined,
    trustProxy,
  }
}
