import { Md5Hash } from '../../../src/md5.ts'

const PIECE = 4 * 1024 * 1024

addEventListener('message', ({ data: file }) => void md5(file).then((hex) => postMessage(hex)))

/** The MD5 of a file, and nothing else. */
async function md5(file) {
  const hasher = new Md5Hash()
  const reader = file.stream().getReader({ mode: 'byob' })
  let buffer = new ArrayBuffer(PIECE)
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer))
    if (done) return hasher.digest()
    hasher.update(value)
    buffer = value.buffer
  }
}
