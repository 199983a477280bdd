import { type Md5, parseMd5 } from '../../src/contract.js'
import { EXIT_CODES, asClientError } from '../errors.js'
import { describe } from '../messages.js'
import { percentOf } from '../progress.js'
import type { Standing } from '../wire.js'
import type { Digests } from '../hashing/digests.js'
import { askerFor, digestsOf, md5Of } from './items.js'
import type { CommandTexts } from './messages.js'
import type { Session } from './session.js'
import { badUsage } from './usage.js'

/** What counts most for the exit code, worst first: is another content, could not be asked, missing, arriving, there. */
const GRAVITY = [EXIT_CODES.collision, 1, EXIT_CODES['unknown-content'], EXIT_CODES['uploading-elsewhere'], 0]

/** `ferry check`: one line for each file or MD5. A file that can't be read does not keep the others from being asked. */
export async function checkCommand(items: readonly string[], session: Session): Promise<number> {
  const { order, tools, texts, given } = session
  const digests = given.strict ? strictly(session) : loosely(session)
  const ask = askerFor(order, tools)
  const codes: number[] = []
  for (const item of items) {
    try {
      const known = await digests(item)
      const { md5 } = known
      const standing = await ask(known)
      tools.results.add(lineOf(item, standing, texts), { argument: item, md5, ...standing })
      codes.push(codeOf(standing))
    } catch (thrown) {
      if (tools.signal.aborted) throw tools.signal.reason
      const error = asClientError(thrown)
      // The next one would fare no better.
      if (!isAboutTheItem(error.code)) throw error
      const message = describe(error, tools.messages)
      tools.results.add(texts.standing.failed(item, message), {
        argument: item,
        status: 'error',
        code: error.code,
        message,
      })
      codes.push(error.code === 'collision' ? EXIT_CODES.collision : 1)
    }
  }
  return GRAVITY.find((code) => codes.includes(code)) ?? 0
}

/** True for errors of one file. */
function isAboutTheItem(code: string): boolean {
  return /^(file-|not-a-file|collision)/.test(code)
}

function loosely({ tools }: Session): (item: string) => Promise<Digests> {
  return async (item) => ({ md5: await md5Of(item, tools) })
}

/** Of a bare MD5 nobody can tell whether it is the content that is meant. */
function strictly({ tools, texts }: Session): (item: string) => Promise<Digests> {
  return (item) => {
    if (parseMd5(item)) throw badUsage(texts.usage.strictWantsFiles(item))
    return digestsOf(item, tools, true)
  }
}

function codeOf({ status }: Standing): number {
  if (status === 'exists') return 0
  return status === 'uploading' ? EXIT_CODES['uploading-elsewhere'] : EXIT_CODES['unknown-content']
}

function lineOf(item: string, standing: Standing, { standing: lines }: CommandTexts): string {
  if (standing.status === 'exists') return lines.exists(item, standing.url)
  if (standing.status === 'notfound') return lines.notfound(item)
  const { offset = 0, size } = standing
  if (size === undefined) return lines.uploadingUnsized(item, offset)
  return lines.uploading(item, percentOf(offset, size), offset, size)
}

/** @public What `ferry check --json` prints for each argument. */
export type CheckResult =
  | ({ argument: string; md5: Md5 } & Standing)
  | { argument: string; status: 'error'; code: string; message: string }
