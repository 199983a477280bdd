import type { Session } from '../session.js'
import { badUsage } from '../usage.js'
import { lookAtBody } from './body.js'
import { lookAtConnection } from './connect.js'
import { lookAtDownload, md5In } from './download.js'
import type { Case, Finding, Look, Step } from './finding.js'
import { lookAtFerry, lookAtHttp } from './http.js'
import { lookAtLine } from './line.js'
import { doctorTextsIn } from './messages.js'
import { lookAtTls } from './tls.js'
import { lookAtUpload } from './upload.js'
import { lookAtName } from './way.js'

/** Without these nothing that follows can work: a problem there is the end. */
const WAY_THERE: readonly Look[] = [lookAtName, lookAtConnection, lookAtTls, lookAtHttp, lookAtFerry]

/** `ferry doctor`: a line for each thing that was looked at. Returns 1 where there is a problem, else 0. */
export async function doctorCommand(item: string | undefined, session: Session): Promise<number> {
  const { order, tools, given, surroundings } = session
  const md5 = item === undefined ? undefined : md5In(item)
  if (item !== undefined && !md5) throw badUsage(session.texts.usage.notAnItem(item))
  const texts = doctorTextsIn(surroundings.language)
  const at: Case = { ...order, texts, messages: tools.messages, signal: tools.signal }
  let problems = 0
  let end: Step | undefined
  for await (const finding of examine(at, (each) => lookAtDownload(md5, each))) {
    const { step, level, text, facts } = finding
    if (level === 'problem') problems += 1
    end = step
    const isShown = !given.quiet || level !== 'ok'
    if (isShown) tools.results.add(texts.line(level, step, text), { step, level, message: text, ...facts })
  }
  if (problems === 0) tools.console.say(texts.well(order.server))
  else
    tools.console.say(
      end === 'download' ? texts.ill(order.server, problems) : texts.endsAt(order.server, end),
    )
  return problems > 0 ? 1 : 0
}

async function* examine(at: Case, lookAtDownload: Look): AsyncIterable<Finding> {
  for (const look of WAY_THERE) {
    let isEnd = false
    for await (const finding of look(at)) {
      yield finding
      isEnd ||= finding.level === 'problem'
    }
    if (isEnd) return
  }
  const sent = yield* lookAtUpload(at)
  yield* lookAtLine(sent, at)
  for (const look of [lookAtBody, lookAtDownload]) yield* look(at)
}
