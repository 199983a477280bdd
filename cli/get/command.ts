import type { CommandTools, GetOrder as Command, Wanted } from '../commands/order.js'
import { type ClientError, EXIT_CODES, asClientError } from '../errors.js'
import type { Language } from '../locale.js'
import { describe } from '../messages.js'
import { getAll } from './all.js'
import { getOne } from './get.js'
import { Limiter } from '../sending/limiter.js'
import type { GetResult, GetTools, Wishes } from './order.js'

/**
 * `ferry get`: brings everything that is wanted; returns the exit code. What is wrong with one does not keep the others,
 * unless the server can't be reached. Throws ClientErrors, and the signal's reason.
 */
export async function getWanted(order: Command, tools: CommandTools, language: Language): Promise<number> {
  const { console, progress, stdout, signal } = tools
  const given: GetTools = { console, language, progress, stdout, signal }
  const codes = new Set<number>()
  const limiter = order.limitRate === undefined ? undefined : new Limiter(order.limitRate)
  const wishes = wishesOf(order, tools, limiter)
  for (const wanted of order.wanted) {
    try {
      const worst = await get(wanted, order, tools, given, wishes)
      if (worst) codes.add(EXIT_CODES[worst.code])
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      const error = asClientError(thrown)
      if (order.wanted.length === 1 || ENDS_ALL.has(error.code)) throw error
      complain(error, wanted, order, tools)
      codes.add(EXIT_CODES[error.code])
    }
  }
  const [code = 0] = codes
  return codes.size > 1 ? 1 : code
}

const ENDS_ALL = new Set<ClientError['code']>(['gave-up', 'host-unknown', 'not-ferry'])

async function get(
  wanted: Wanted,
  order: Command,
  tools: CommandTools,
  given: GetTools,
  wishes: ReturnType<typeof wishesOf>,
): Promise<ClientError | undefined> {
  const { results } = tools
  if (wanted.kind === 'manifest') {
    const { done, failed, worst } = await getAll({ ...wishes, manifest: wanted.path }, given)
    for (const result of done) tell(result, tools)
    if (!order.isJson) return worst
    for (const { path, problem } of failed) {
      const message = describe(problem, tools.messages)
      results.add('', { event: 'problem', path, code: problem.code, message })
    }
    return worst
  }
  const result = await getOne({ ...wishes, source: sourceOf(wanted) }, given)
  tell(result, tools)
  return undefined
}

function tell(result: GetResult, { results }: CommandTools): void {
  // The content itself has gone to standard output.
  if (result.state !== 'streamed') results.add(result.path, { event: 'result', ...result })
}

function wishesOf(
  order: Command,
  { folder }: CommandTools,
  limiter: Limiter | undefined,
): Wishes & { output: string | undefined } {
  const { server, way, connections, force, retryForMs, retryFor, output } = order
  return {
    server,
    cwd: folder,
    connections,
    force,
    retryForMs,
    retryFor,
    output,
    limiter,
    // Only the server's own origin hears the token, whatever the link says.
    headers: way.headersFor(server),
    agent: (url) => way.agentFor(url.href),
  }
}

function sourceOf(wanted: Exclude<Wanted, { kind: 'manifest' }>): string {
  return wanted.kind === 'md5' ? wanted.md5 : wanted.url
}

function complain(
  error: ClientError,
  wanted: Wanted,
  { isJson }: Command,
  { console, messages, results }: CommandTools,
): void {
  const subject = wanted.kind === 'manifest' ? wanted.path : sourceOf(wanted)
  const message = describe(error, messages)
  console.warn(messages.error(messages.upload.about(subject, message)))
  if (isJson) results.add('', { event: 'problem', path: subject, code: error.code, message })
}
