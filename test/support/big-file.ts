import { createCipheriv, createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

const PIECE = 8 * 1024 * 1024

/**
 * Writes a file of so many bytes that look random, whatever its size in little memory. The same seed gives the same
 * bytes. Its MD5.
 */
export async function makeFile(path: string, size: number, seed: number | string): Promise<string> {
  const key = createHash('md5').update(String(seed)).digest()
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  const md5 = createHash('md5')
  const zeros = Buffer.alloc(Math.min(PIECE, size))
  const file = await open(path, 'w')
  try {
    for (let at = 0; at < size; at += PIECE) {
      const bytes = stream.update(zeros.subarray(0, size - at))
      md5.update(bytes)
      await file.writeFile(bytes)
    }
  } finally {
    await file.close()
  }
  return md5.digest('hex')
}
