/**
 * A secret from the terminal, which does not show it, or the first line of what is piped in.
 * Throws the signal's reason.
 */
export async function readSecret(
  stdin: NodeJS.ReadStream,
  stderr: NodeJS.WriteStream,
  prompt: string,
  signal: AbortSignal,
): Promise<string> {
  if (!stdin.isTTY) return firstLine(await readAll(stdin, signal))
  // In this order: nothing that is typed at the prompt is ever shown.
  stdin.setRawMode(true)
  stderr.write(prompt)
  try {
    return await readHidden(stdin, signal)
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

async function readAll(stdin: NodeJS.ReadStream, signal: AbortSignal): Promise<string> {
  const stop = () => void stdin.destroy()
  signal.addEventListener('abort', stop, { once: true })
  let text = ''
  try {
    for await (const piece of stdin) {
      text += String(piece)
      if (text.includes('\n')) break
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', stop)
  }
  if (signal.aborted) throw signal.reason
  return text
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? ''
}

const [INTERRUPT, END, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007F'] as const

/** In raw mode every key arrives as it is, Ctrl-C too. */
function readHidden(stdin: NodeJS.ReadStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let secret = ''
    const end = (settle: () => void) => {
      stdin.off('data', hear)
      signal.removeEventListener('abort', abort)
      settle()
    }
    const abort = () => end(() => reject(signal.reason as Error))
    const hear = (keys: Buffer) => {
      for (const key of keys.toString('utf8')) {
        if (key === INTERRUPT) return void process.kill(process.pid, 'SIGINT')
        if (key === '\r' || key === '\n' || key === END) return end(() => resolve(secret))
        secret = key === BACKSPACE || key === DELETE ? secret.slice(0, -1) : secret + key
      }
    }
    stdin.on('data', hear)
    signal.addEventListener('abort', abort, { once: true })
  })
}
