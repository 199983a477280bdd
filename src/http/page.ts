import type { Request, RequestHandler, Response } from 'express'
import { createHash } from 'node:crypto'
import type { ReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sirv from 'sirv'
import { PATHS } from '../contract.js'
import { FerryError, isErrno } from '../errors.js'
import { note } from './access.js'
import { asFerryError } from './errors.js'
import { PAGE_POLICY, WORKER_POLICY } from './policies.js'

/** What the build lays below `/page`, by the one address that each of them has. */
const ASSET = new RegExp(`^${PATHS.page}/[\\w-][\\w.-]*$`)
/** They lie beside what they were made from, and come only in its place. */
const COMPRESSED = /\.(br|gz)$/
const WORKER = /\/hash-worker-[\w-]+\.js$/

/**
 * `GET|HEAD /` and `GET|HEAD /page/<name>`: the page, out of the folder that `npm run build` fills. Where there is none
 * the page is `not-found`, and everything else of the server works.
 */
export function pageDoor(directory: string): RequestHandler {
  // Looked up for each request, so that a build under a running server is served as it is and not as it was.
  const files = sirv(directory, { dev: true, brotli: true, gzip: true, extensions: ['html'] })
  return async (req, res, next) => {
    note(res, { door: 'page' })
    const isPage = req.path === '/'
    const headers = isPage ? await headersOfPage(directory) : headersOfAsset(req.path)
    if (!headers) return refuse(res, isPage, next)
    res.set(headers)
    if (req.fresh) return void res.status(304).end()
    simplify(req)
    res.once('pipe', (file: ReadStream) => mind(file, res))
    files(req, res, () => {
      for (const name of Object.keys(headers)) res.removeHeader(name)
      refuse(res, isPage, next)
    })
  }
}

/** Undefined where the page isn't built. */
async function headersOfPage(directory: string): Promise<Record<string, string> | undefined> {
  const content = await readFile(join(directory, 'index.html')).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
  return (
    content && {
      'Content-Security-Policy': PAGE_POLICY,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'same-origin',
      'Cache-Control': 'no-cache',
      Vary: 'Accept-Encoding',
      // Not by size and time: two builds differ in a hash of fixed length, and whoever packs them may set their clocks.
      ETag: weakTag(createHash('sha256').update(content).digest('hex').slice(0, 32)),
    }
  )
}

/** Undefined for what can't be the address of an asset. */
function headersOfAsset(path: string): Record<string, string> | undefined {
  if (!ASSET.test(path) || COMPRESSED.test(path)) return undefined
  return {
    ...(WORKER.test(path) ? { 'Content-Security-Policy': WORKER_POLICY } : {}),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'public, max-age=31536000, immutable',
    Vary: 'Accept-Encoding',
    // Its name says its content. Firefox asks again for what is immutable where it comes by plain HTTP.
    ETag: weakTag(path.slice(PATHS.page.length + 1)),
  }
}

/** Weak, since it is the same for each encoding (RFC 9110 8.8.1). */
function weakTag(version: string): string {
  return `W/"${version}"`
}

/** sirv looks for the names of encodings, refused with `q=0` or not, and misreads most ranges, which may be ignored. */
function simplify(req: Request): void {
  req.headers['accept-encoding'] = ['br', 'gzip'].filter((name) => req.acceptsEncodings(name)).join()
  delete req.headers.range
}

/** sirv leaves its stream alone: unread it would stay open, and unreadable it would take the server down. */
function mind(file: ReadStream, res: Response): void {
  res.once('close', () => file.destroy())
  file.once('error', (error) => {
    note(res, { error: asFerryError(error) })
    res.destroy()
  })
}

/** What the next build brings may be asked for already: nobody may remember that it was not here. */
function refuse(res: Response, isPage: boolean, next: () => void): void {
  res.set('Cache-Control', 'no-store')
  if (!isPage) return next()
  throw new FerryError(
    'not-found',
    'the page is not built on this server (npm run build does it); everything else works, as with /check, /upload and /tus',
  )
}
