import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'dotenv'
import { ClientError } from './errors.js'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The origin (and path prefix, if any) that a user's `host:port`, `host` or URL means, without a trailing slash.
 * Throws `bad-server`.
 */
export function parseServer(text: string): string {
  const url = text.includes('://') ? text : `http://${bracketed(text)}`
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const extras = parsed && parsed.search + parsed.hash + parsed.username + parsed.password
  // The URL parser silently drops line breaks and tabs.
  if (!parsed?.hostname || !/^https?:$/.test(parsed.protocol) || extras || /\s/.test(text))
    throw new ClientError('bad-server', { subject: text })
  // As typed, so that a port 80 stays visible in every line.
  return url.replace(/(?<!\/)\/+$/, '')
}

/** IPv6 addresses are often given bare; a URL needs brackets around them. */
function bracketed(host: string): string {
  return /^[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*$/i.test(host) ? `[${host}]` : host
}

/**
 * The server when none is given: PUBLIC_URL, else HOST and HTTP_PORT, from the environment, else from the `.env`
 * of the first folder that has a value.
 */
export function defaultServer(env: Environment, folders: readonly string[]): string {
  const layers = [env, ...folders.map((folder) => readDotenv(join(folder, '.env')))]
  const value = (key: string) => layers.map((layer) => layer[key]?.trim()).find(Boolean)
  const host = value('HOST') ?? '127.0.0.1'
  return parseServer(value('PUBLIC_URL') ?? `${bracketed(host)}:${value('HTTP_PORT') ?? '80'}`)
}

function readDotenv(path: string): Environment {
  try {
    return parse(readFileSync(path))
  } catch {
    return {} // No file, or not ours to read: the next folder answers.
  }
}
