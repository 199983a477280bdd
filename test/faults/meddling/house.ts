import { join } from 'node:path'
import type { TestServer } from '../../support/server.js'
import { tus } from '../../support/tus.js'
import type { Findings } from '../part.js'
import { bytesOf, type Random, type Specimen } from '../random.js'
import { sendByForm, sendByTus } from '../senders.js'
import { Witness } from '../witness.js'

const LARGEST = 1024 * 1024
/** Until a sender must be through, in milliseconds. */
const PATIENCE = 60_000

/** One way to meddle, and what is demanded afterwards. The house runs before it and after it. */
export interface Scenario {
  /** As the beginning of a sentence. */
  title: string
  play: (house: House) => Promise<void>
}

/** An upload of which a part has been sent. */
export interface Begun {
  file: Specimen
  url: string
  /** Where its bytes lie. */
  part: string
  declared: boolean
}

/** A server with things in it to meddle with, and what was found out. */
export class House {
  constructor(
    readonly server: TestServer,
    readonly witness: Witness,
    readonly random: Random,
    readonly findings: Findings,
  ) {}

  get ledger(): string {
    return join(this.server.files, '.ledger')
  }

  shelved({ md5 }: Specimen): string {
    return join(this.server.files, `${md5}.bin`)
  }

  /** A new file on the shelf, of some bytes at least. */
  async store(): Promise<Specimen> {
    const file = this.random.specimen(LARGEST)
    await this.bring(file)
    return file
  }

  /** Sends a file by either door; a fault where that can't be done. */
  async bring(file: Specimen): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE)
    const sending = { server: this.server.url, witness: this.witness, signal }
    const isForm = this.random.percent(50)
    if (!(await (isForm ? sendByForm : sendByTus)(file, sending)))
      this.findings.stuck.push(`${file.md5} could not be sent by ${isForm ? 'form' : 'tus'}`)
  }

  /** Sends some of a new file: something, and not all. */
  async begin(declared = this.random.percent(70)): Promise<Begun> {
    const { server, random, witness } = this
    const file = random.specimen(LARGEST)
    const claim = { filename: file.filename, ...(declared ? { md5: file.md5 } : {}) }
    const url = tus.location(server.url, await tus.create(server.url, file.size, claim))
    const front = Math.ceil((file.size * random.between(10, 90)) / 100) - 1
    await tus.patch(url, 0, bytesOf(file).subarray(0, front))
    witness.offset(url, file, front)
    return { file, url, part: join(server.tmp, `tmp_${url.split('/').at(-1)!}`), declared }
  }

  /** A stock client goes on, from the beginning where the server says so; the file must be there in the end. */
  async goOn({ file, url, declared }: Begun): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE)
    // An offset told before the server has seen the damage may be more than what is left.
    const sending = { server: this.server.url, witness: new Witness(), signal }
    if (await sendByTus(file, sending, { declared, uploadUrl: url })) this.witness.success(file, url)
    else this.findings.stuck.push(`${url} of ${file.size} bytes could not be gone on with, nor begun anew`)
  }

  /** By either kind of end. */
  async stop(): Promise<void> {
    if (this.random.percent(50)) await this.server.kill()
    else await this.server.terminate()
  }

  async statusOf({ md5 }: Specimen): Promise<string> {
    const reply = await fetch(`${this.server.url}/check?md5=${md5}`)
    return ((await reply.json()) as { status: string }).status
  }
}
