import { parseToken } from '../net/token.js'
import { askerFor, unknownMd5 } from './items.js'
import { readSecret } from './secret.js'
import type { Session } from './session.js'
import { badUsage } from './usage.js'

/** `ferry login`: a token is saved once the server has answered to it; `--logout` forgets it. */
export async function loginCommand(session: Session): Promise<number> {
  const { given, order, tools, texts, tokens } = session
  const { server } = order
  const { path } = tokens
  if (given.logout) {
    const wasThere = await tokens.forget(server)
    const line = wasThere ? texts.login.forgotten : texts.login.nothingSaved
    tools.results.add(line(server, path), { server, path, status: wasThere ? 'forgotten' : 'none' })
    return 0
  }
  const token = await tokenFrom(session)
  await tryOut(token, session)
  await tokens.save(server, token)
  tools.results.add(texts.login.saved(server, path), { server, path, status: 'saved' })
  return 0
}

/** What was typed with the command counts; a token that is saved already, or in the environment, does not. */
async function tokenFrom({ given, order, tools, texts, token, surroundings }: Session): Promise<string> {
  if (token !== undefined && (given.token !== undefined || given.tokenFile !== undefined)) return token
  const { stdin, stderr } = surroundings
  const text = await readSecret(stdin, stderr, texts.login.prompt(order.server), tools.signal)
  if (text.trim() === '') throw badUsage(texts.usage.tokenWanted)
  return parseToken(text, stdin.isTTY ? texts.login.terminal : texts.login.pipe)
}

/** Asks the server something harmless with the token. Throws what a wrong server, or token, answers. */
async function tryOut(token: string, { order, tools, wayWith }: Session): Promise<void> {
  const way = wayWith(token)
  try {
    await askerFor({ ...order, way }, tools)({ md5: unknownMd5() })
  } finally {
    way.close()
  }
}
