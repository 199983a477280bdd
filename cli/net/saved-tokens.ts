import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { ClientError, systemCodeOf } from '../errors.js'

type Environment = Readonly<Record<string, string | undefined>>

/** The folder for what the user has set up, by the platform's custom. */
export function configFolder(env: Environment, platform: string, home = homedir()): string {
  if (platform === 'win32') return join(env['APPDATA'] || join(home, 'AppData', 'Roaming'), 'ferry')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'ferry')
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'ferry')
}

/** The tokens that `ferry login` has saved: one file that its owner alone may read, one token for each origin. */
export class SavedTokens {
  readonly path: string
  readonly #hasModes: boolean

  constructor(folder: string, platform: string) {
    this.path = join(folder, 'tokens.json')
    this.#hasModes = platform !== 'win32'
  }

  /** The token for the origin of `server`, or undefined. Throws `file-unreadable`. */
  async find(server: string): Promise<string | undefined> {
    return (await this.#read())[originOf(server)]
  }

  async save(server: string, token: string): Promise<void> {
    await this.#write({ ...(await this.#read()), [originOf(server)]: token })
  }

  /** False where there was none. */
  async forget(server: string): Promise<boolean> {
    const { [originOf(server)]: token, ...others } = await this.#read()
    if (token !== undefined) await this.#write(others)
    return token !== undefined
  }

  /** True where others may read the file. */
  async isExposed(): Promise<boolean> {
    const facts = this.#hasModes ? await stat(this.path).catch(() => undefined) : undefined
    return facts !== undefined && (facts.mode & 0o077) !== 0
  }

  async #read(): Promise<Record<string, string>> {
    try {
      const tokens: unknown = JSON.parse(await readFile(this.path, 'utf8'))
      const isSound = typeof tokens === 'object' && tokens !== null
      if (!isSound || !Object.values(tokens).every((token) => typeof token === 'string'))
        throw new SyntaxError('not a list of tokens')
      return tokens as Record<string, string>
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return {}
      // The parser's words would repeat what it read.
      const reason = systemCodeOf(error) ?? 'no JSON'
      throw new ClientError('file-unreadable', { subject: this.path, reason })
    }
  }

  /** Whole or not at all, and never readable by others, not even for a moment. */
  async #write(tokens: Record<string, string>): Promise<void> {
    const draft = `${this.path}.${randomBytes(6).toString('hex')}`
    try {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 })
      await writeFile(draft, `${JSON.stringify(tokens, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
      await rename(draft, this.path)
    } catch (error) {
      const reason = systemCodeOf(error) ?? String(error)
      throw new ClientError('file-unwritable', { subject: this.path, reason }, { cause: error })
    } finally {
      await rm(draft, { force: true })
    }
  }
}

function originOf(server: string): string {
  return new URL(server).origin
}
