import { specimen } from '../random.js'
import { sendByForm, sendByTus } from '../senders.js'
import { Witness } from '../witness.js'

/**
 * A process that sends one file and says on standard output what it hears: `sender.ts tus|form SERVER NUMBER SIZE
 * CHUNK`. It goes on for ever; exit code 0 when the file is stored.
 */
class Herald extends Witness {
  override offset(url: string, file: { size: number }, offset: number): void {
    if (offset < file.size) console.log(`offset ${url} ${offset}`)
  }

  override success(_file: unknown, url = ''): void {
    console.log(`success ${url}`)
  }

  override ended(url: string): void {
    console.log(`ended ${url}`)
  }
}

const [kind, server, number, size, chunk] = process.argv.slice(2)
const file = specimen(Number(number), Number(size))
const sending = { server: server!, witness: new Herald() }
const isStored = await (kind === 'form'
  ? sendByForm(file, sending)
  : sendByTus(file, sending, { chunkSize: Number(chunk) }))
process.exit(isStored ? 0 : 1)
