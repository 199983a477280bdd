import { createHash } from 'node:crypto'

/** The page itself: everything from this origin, pictures also from what was chosen; nobody may frame it. */
export const PAGE_POLICY = [
  `default-src 'self'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self' blob: data:`,
  `worker-src 'self'`,
  `object-src 'none'`,
  `base-uri 'none'`,
  `form-action 'self'`,
  `frame-ancestors 'none'`,
].join('; ')

/**
 * The script that hashes, in a worker. A worker goes by the policy of its own response (CSP 3, 4.2.1), so WebAssembly
 * may be compiled there, and nowhere else on the page.
 */
export const WORKER_POLICY = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'`

/** A page of words and links that has one style sheet, inline, and nothing else. */
export function policyOfWords(style: string): string {
  const hash = createHash('sha256').update(style).digest('base64')
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
}
