import type { Md5 } from '../../src/contract.js'
import { EXIT_CODES, asClientError } from '../errors.js'
import { describe } from '../messages.js'
import { percentOf } from '../progress.js'
import type { Standing } from '../wire.js'
import { askerFor, md5Of } from './items.js'
import type { CommandTexts } from './messages.js'
import type { Session } from './session.js'

/** What counts most for the exit code, worst first: could not be asked, missing, arriving, there. */
const GRAVITY = [1, EXIT_CODES['unknown-content'], EXIT_CODES['uploading-elsewhere'], 0]

/** `ferry check`: one line for each file or MD5. A file that can't be read does not keep the others from being asked. */
export async function checkCommand(items: readonly string[], session: Session): Promise<number> {
  const { order, tools, texts } = session
  const ask = askerFor(order, tools)
  const codes: number[] = []
  for (const item of items) {
    try {
      const md5 = await md5Of(item, tools)
      const standing = await ask(md5)
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
      codes.push(1)
    }
  }
  return GRAVITY.find((code) => codes.includes(code)) ?? 0
}

/** True for errors of one file. */
function isAboutTheItem(code: string): boolean {
  return /^(file-|not-a-file)/.test(code)
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
