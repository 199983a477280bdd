import { resolve } from 'node:path'
import { defaultServer } from '../address.js'
import { type Console, createConsole } from '../console.js'
import { cacheFolder } from '../hashing/cache-folder.js'
import { type Messages, messagesIn } from '../messages.js'
import { SavedTokens, configFolder } from '../net/saved-tokens.js'
import { findToken } from '../net/token.js'
import { Way } from '../net/way.js'
import { type Progress, ProgressBar, ProgressLines } from '../progress.js'
import { stateFolder } from '../state.js'
import type { CommandTexts } from './messages.js'
import type { CommonOrder, CommandTools } from './order.js'
import { createResults } from './results.js'
import type { Surroundings } from './surroundings.js'
import type { Duration } from './values.js'

/** The options of all commands as the parser leaves them: checked, and absent where the command has no such option. */
export interface Given {
  server?: string
  token?: string
  tokenFile?: string
  ca?: string
  json?: boolean
  quiet?: boolean
  progress?: boolean
  retryFor?: Duration
  concurrency?: number
  hashFirst?: boolean
  strict?: boolean
  wait?: boolean
  limitRate?: number
  chunkSize?: number
  dryRun?: boolean
  include?: string[]
  exclude?: string[]
  maxSize?: number
  hidden?: boolean
  followLinks?: boolean
  manifest?: string
  name?: string
  cache?: boolean
  output?: string
  all?: string
  connections?: number | 'auto'
  force?: boolean
  logout?: boolean
  expires?: Duration
}

/** One run of a command that talks to a server. */
export interface Session {
  given: Given
  order: CommonOrder
  tools: CommandTools
  texts: CommandTexts
  tokens: SavedTokens
  /** The token that the order's way has. */
  token: string | undefined
  /** The same way with another token. */
  wayWith: (token: string) => Way
  surroundings: Surroundings
}

/** Finds out which server is meant and how to get there. Throws ClientErrors. */
export async function openSession(
  given: Given,
  texts: CommandTexts,
  surroundings: Surroundings,
): Promise<Session> {
  const { env, platform, folder, packageFolder } = surroundings
  const tools = createTools(given, surroundings)
  const server = given.server ?? defaultServer(env, [folder, packageFolder])
  const tokens = new SavedTokens(configFolder(env, platform), platform)
  const fileIn = (path: string | undefined) => (path ? resolve(folder, path) : undefined)
  const token = await findToken({
    typed: given.token,
    file: fileIn(given.tokenFile),
    variable: env['FERRY_TOKEN'],
    variableFile: fileIn(env['FERRY_TOKEN_FILE']),
    saved: tokens,
    server,
  })
  if (await tokens.isExposed()) tools.console.warn(texts.login.exposed(tokens.path))
  const ca = fileIn(given.ca)
  const way = new Way({ server, env, ca, token })
  const wayWith = (other: string) => new Way({ server, env, ca, token: other })
  const { ms = 0, text = '0' } = given.retryFor ?? {}
  const order = { server, way, retryForMs: ms, retryFor: text, isJson: given.json ?? false }
  return { given, order, tools, texts, tokens, token, wayWith, surroundings }
}

function createTools(given: Given, surroundings: Surroundings): CommandTools {
  const { env, platform, folder, language, stdin, stdout, stderr, signal } = surroundings
  const messages = messagesIn(language)
  const isQuiet = given.quiet ?? false
  const showsProgress = !isQuiet && given.progress !== false
  const console = createConsole(isQuiet ? { write: () => true } : stderr, stderr)
  return {
    results: createResults(stdout, given.json ?? false),
    console,
    messages,
    progress: showsProgress ? createProgress(env, stderr, console, messages) : NO_PROGRESS,
    folder,
    stateFolder: stateFolder(env, platform),
    cacheFolder: cacheFolder(env, platform),
    stdin,
    stdout,
    stderr,
    isQuiet,
    showsProgress,
    signal,
  }
}

const NO_PROGRESS: Progress = {
  start: () => undefined,
  update: () => undefined,
  stop: () => undefined,
}

function createProgress(
  env: Surroundings['env'],
  stderr: NodeJS.WriteStream,
  console: Console,
  messages: Messages,
): Progress {
  const onTerminal = stderr.isTTY && env['TERM'] !== 'dumb'
  return onTerminal ? new ProgressBar(messages, stderr) : new ProgressLines(console, messages)
}
