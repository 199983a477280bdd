import type { Agent } from 'node:http'
import { messagesIn } from '../messages.js'
import { Agents } from './agents.js'
import { Attempts } from '../attempts.js'
import { type GetMessages, getMessagesIn } from './messages.js'
import type { GetTools, Wishes } from './order.js'
import { Remote } from './remote.js'
import { type Source, parseSource } from './source.js'

const STALL_MS = 30_000

/** Wishes with the agent that will serve them. */
export type Equipped = Wishes & { agent: (url: URL) => Agent }

/** One file to get, with all that is needed for it. */
export interface Job {
  source: Source
  wishes: Wishes
  tools: GetTools
  remote: Remote
  attempts: Attempts
  texts: GetMessages
}

/** Does the work with connections that serve it until it ends. An aborted signal's reason goes before other errors. */
export async function withAgents<T>(
  wishes: Wishes,
  { signal }: GetTools,
  work: (wishes: Equipped) => Promise<T>,
): Promise<T> {
  const agents = new Agents()
  try {
    return await work({ ...wishes, agent: wishes.agent ?? agents.for })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    agents.close()
  }
}

/** Without a byte for so long (ms) a connection counts as dead. */
export function stallMsOf({ stallMs = STALL_MS }: Wishes): number {
  return stallMs
}

/** The job of getting `source`. Throws `bad-source`. */
export function jobOf(source: string, wishes: Equipped, tools: GetTools): Job {
  const { server, token, headers = {}, agent, limiter } = wishes
  const parsed = parseSource(source, server)
  const { console, language, signal } = tools
  return {
    source: parsed,
    wishes,
    tools,
    texts: getMessagesIn(language),
    remote: new Remote({
      url: parsed.url,
      headers: { ...headers, ...(token && { authorization: `Bearer ${token}` }) },
      trusted: new URL(server).origin,
      agent,
      stallMs: stallMsOf(wishes),
      limiter,
    }),
    attempts: new Attempts({
      ...wishes,
      warn: (line) => console.warn(line),
      messages: messagesIn(language),
      signal,
    }),
  }
}
