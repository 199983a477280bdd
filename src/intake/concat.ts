import type { Arrival } from './arrival.js'

/** What an upload is in a concatenation (tus 1.0, concatenation): a piece of a file, … */
export const PARTIAL = 'partial'
/** … or the file that pieces make up: this, and the pieces' ids with spaces between. */
const FINAL = 'final;'

/** How a final upload of these pieces is declared. */
export function finalOf(ids: readonly string[]): string {
  return FINAL + ids.join(' ')
}

/** The ids of the pieces that make up a final upload, in their order; undefined where it is none. */
export function piecesOf(concat: string | undefined): string[] | undefined {
  return concat?.startsWith(FINAL) ? concat.slice(FINAL.length).split(' ') : undefined
}

/** A piece is never a content by itself: nobody hashes it, and when it is complete it waits. */
export function isPartial({ claim }: Pick<Arrival, 'claim'>): boolean {
  return claim.concat === PARTIAL
}
