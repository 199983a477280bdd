import type { Console } from './console.js'
import { Delivery } from './delivery.js'
import { hashWithProgress } from './hash.js'
import { LocalFile } from './local-file.js'
import type { Messages } from './messages.js'
import type { Progress } from './progress.js'
import { Patience } from './retry.js'
import { Server } from './server.js'
import { Flow } from './sending/flow.js'
import { identify } from './state.js'

export interface UploadOrder {
  /** Where the file is. */
  path: string
  /** The path as the user typed it. */
  shownAs: string
  /** The server's base URL. */
  server: string
  retryForMs: number
  /** The same, as the user wrote it. */
  retryFor: string
}

export interface UploadTools {
  console: Console
  messages: Messages
  progress: Progress
  stateFolder: string
  signal: AbortSignal
}

/**
 * The main job: the file is on the server, once and verified, and its URL stands on the last line.
 * Throws ClientErrors.
 */
export async function upload(order: UploadOrder, tools: UploadTools): Promise<void> {
  const { console, messages, stateFolder, signal } = tools
  console.say(messages.usingServer(order.server))
  const file = await LocalFile.open(order.path, order.shownAs)
  try {
    console.say(messages.hashing(order.shownAs))
    const md5 = await hashWithProgress(file, tools.progress, signal)
    console.say(messages.hashed(md5))

    const identity = await identify(stateFolder, order.server, md5)
    try {
      const server = new Server(order.server, signal)
      const patience = new Patience(order.retryForMs)
      const flow = await Flow.open(stateFolder, order.server)
      const delivery = new Delivery({
        ...tools,
        file,
        md5,
        server,
        patience,
        client: identity.client,
        retryFor: order.retryFor,
        flow,
      })
      const url = await delivery.run()
      // What is stored has the MD5 that we declared. Whether that is still the file is another question.
      if (await file.hasChanged()) console.warn(messages.changedSince(order.shownAs))
      console.say(messages.success(url))
    } finally {
      await identity.release()
    }
  } finally {
    await file.close()
  }
}
