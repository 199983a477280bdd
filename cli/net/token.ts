import { readFile } from 'node:fs/promises'
import { ClientError, systemCodeOf } from '../errors.js'
import type { SavedTokens } from './saved-tokens.js'

/** Where a token may stand, the first one counts. */
export interface TokenPlaces {
  /** `--token`. */
  typed?: string | undefined
  /** `--token-file`. */
  file?: string | undefined
  /** FERRY_TOKEN. */
  variable?: string | undefined
  /** FERRY_TOKEN_FILE. */
  variableFile?: string | undefined
  saved: SavedTokens
  server: string
}

/** The token for the server, or undefined. Throws `bad-token`, `file-missing` or `file-unreadable`. */
export async function findToken(places: TokenPlaces): Promise<string | undefined> {
  const { typed, file, variable, variableFile, saved, server } = places
  if (typed !== undefined) return parseToken(typed, '--token')
  if (file !== undefined) return readToken(file)
  if (variable) return parseToken(variable, 'FERRY_TOKEN')
  if (variableFile) return readToken(variableFile)
  const token = await saved.find(server)
  return token === undefined ? undefined : parseToken(token, saved.path)
}

async function readToken(path: string): Promise<string> {
  try {
    return parseToken(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof ClientError) throw error
    const reason = systemCodeOf(error) ?? String(error)
    const code = reason === 'ENOENT' ? 'file-missing' : 'file-unreadable'
    throw new ClientError(code, { subject: path, reason }, { cause: error })
  }
}

/** A token of visible ASCII (RFC 6750 2.1), without the space around it. Throws `bad-token`, which names only `place`. */
export function parseToken(text: string, place: string): string {
  const token = text.trim()
  if (!/^[\u0021-\u007E]+$/.test(token)) throw new ClientError('bad-token', { subject: place })
  return token
}
