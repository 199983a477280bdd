import { filePart, formBytes, post } from '../../support/form.js'
import { pause, type TestServer } from '../../support/server.js'
import { md5, tus } from '../../support/tus.js'
import { bytesOf, type Specimen } from '../random.js'
import type { Witness } from '../witness.js'

/**
 * How large the files are whose life is struck at every call, in bytes: of so few the SHA-256 is kept as they come, so
 * nothing is written of them after the answer.
 */
export const SIZE = 300_000
const HALF = 200_000
/** Milliseconds; longer than the time between two checkpoints. */
const SLOWLY = 1150
/** What TMP_TTL_HOURS=0.001 allows an idle upload, and how long before its end the strikes begin, in milliseconds. */
const LIFE = 3600
const EVE = 500

/** One file at one server, watched by a witness. */
export interface Scene {
  server: TestServer
  witness: Witness
  file: Specimen
}

/** What the server said, as far as faults go. */
export interface Answer {
  /** To which request. */
  to: string
  /** 0 where the connection just ended. */
  status: number
  /** The JSON of an error. */
  reply: { status?: string; code?: string } | undefined
}

/** A stretch of an upload's life: `begin` brings it there, and what that returns is the stretch itself. */
export interface Stage {
  name: string
  /** The file's size in bytes, where it is not SIZE. */
  size?: number
  env?: Record<string, string>
  begin(scene: Scene): Promise<() => Promise<Answer[]>>
}

export const create: Stage = {
  name: 'create',
  begin: (scene) => Promise.resolve(async () => [await post201(scene)]),
}

/** One PATCH of two bursts, so that the timer's checkpoint comes between them and the answer's at the end. */
export const appendSlowly: Stage = {
  name: 'append and checkpoint',
  async begin(scene) {
    const url = await created(scene)
    const bytes = bytesOf(scene.file)
    return async () => [await patch(scene, url, 0, inBursts(bytes.subarray(0, HALF)))]
  },
}

/** Two PATCHes that leave the upload unfinished. */
export const append: Stage = {
  name: 'append',
  async begin(scene) {
    const url = await created(scene)
    const bytes = bytesOf(scene.file)
    return async () => {
      const first = await patch(scene, url, 0, bytes.subarray(0, HALF / 2))
      if (first.status !== 204) return [first]
      return [first, await patch(scene, url, HALF / 2, bytes.subarray(HALF / 2, HALF))]
    }
  },
}

export const finish: Stage = {
  name: 'finish',
  async begin(scene) {
    const url = await created(scene)
    const bytes = bytesOf(scene.file)
    await patch(scene, url, 0, bytes.subarray(0, HALF))
    return async () => [await patch(scene, url, HALF, bytes.subarray(HALF))]
  },
}

export const form: Stage = {
  name: 'form',
  begin: (scene) => Promise.resolve(async () => [await postForm(scene)]),
}

/** A small file comes along with its creation. */
export const whole: Stage = {
  name: 'whole',
  size: 100_000,
  begin: (scene) => Promise.resolve(async () => [await postWhole(scene)]),
}

/** Pieces are placed in an upload, the later one first, and leave it unfinished. */
export const placed: Stage = {
  name: 'placed',
  async begin(scene) {
    const url = await created(scene)
    return async () => {
      const late = await putPiece(scene, url, [HALF, SIZE])
      if (late.status !== 201) return [late]
      return [late, await putPiece(scene, url, [0, HALF / 2])]
    }
  },
}

/** The piece that was missing completes an upload. */
export const fill: Stage = {
  name: 'fill',
  async begin(scene) {
    const url = await created(scene)
    await putPiece(scene, url, [HALF, SIZE])
    return async () => [await putPiece(scene, url, [0, HALF])]
  },
}

/** What is asked of a server beside its uploads, while one of them is open. */
export const look: Stage = {
  name: 'look',
  async begin(scene) {
    const url = await created(scene)
    await patch(scene, url, 0, bytesOf(scene.file).subarray(0, HALF))
    return async () => [...(await lookAround(scene)), await answer('HEAD', await tus.head(url))]
  },
}

/** Asks for the file that was stored first, and fetches it. */
export async function lookAround({ server, witness }: Scene): Promise<Answer[]> {
  const [kept] = witness.stored.values()
  const check = await answer('/check', await fetch(`${server.url}/check?md5=${kept!.md5}`))
  if (check.status === 200 && check.reply?.status !== 'exists') check.status = 404
  return [check, await download(`${server.url}/files/${kept!.md5}.bin`, kept!)]
}

async function download(url: string, { md5: expected }: Specimen): Promise<Answer> {
  const response = await fetch(url).catch(() => undefined)
  if (response?.status !== 200) return answer('GET', response)
  // Where the disk fails in mid-file, all that is left is to hang up.
  const bytes = await response.arrayBuffer().catch(() => undefined)
  const isRight = !bytes || md5(new Uint8Array(bytes)) === expected
  return { to: 'GET', status: isRight ? 200 : 500, reply: undefined }
}

/** An upload that nobody goes on with, until the sweep has buried it. */
export const expiry: Stage = {
  name: 'sweep',
  env: { TMP_TTL_HOURS: '0.001' },
  async begin({ server, file }) {
    const url = tus.location(server.url, await tus.create(server.url, file.size))
    await tus.patch(url, 0, bytesOf(file).subarray(0, HALF))
    await pause(LIFE - EVE)
    return async () => {
      await emptied(server)
      return [await answer('HEAD', await tus.head(url).catch(() => undefined))]
    }
  },
}

/** Resolves when no part is left, or nobody is there to sweep them. */
async function emptied(server: TestServer): Promise<void> {
  for (let tries = 0; tries < 400 && server.runs && (await server.inbox()).length > 0; tries++)
    await pause(25)
}

async function created(scene: Scene): Promise<string> {
  await post201(scene)
  const [url] = scene.witness.pending.keys()
  if (!url) throw new Error('the upload was not created')
  return url
}

async function post201({ server, witness, file }: Scene): Promise<Answer> {
  const { size, md5, filename } = file
  const response = await tus.create(server.url, size, { md5, filename }).catch(() => undefined)
  if (response?.status === 201) witness.offset(tus.location(server.url, response), file, 0)
  return answer('POST', response)
}

async function postWhole({ server, witness, file }: Scene): Promise<Answer> {
  const { size, md5, filename } = file
  const headers = { 'Content-Type': 'application/offset+octet-stream' }
  const init = { headers, body: bytesOf(file) }
  const response = await tus.create(server.url, size, { md5, filename }, init).catch(() => undefined)
  const isStored = response?.status === 201 && response.headers.get('upload-offset') === String(size)
  if (isStored) witness.success(file)
  return answer('POST', response)
}

async function patch(
  { witness, file }: Scene,
  url: string,
  offset: number,
  body: Uint8Array | ReadableStream,
): Promise<Answer> {
  const response = await tus.patch(url, offset, body).catch(() => undefined)
  if (response?.status === 204)
    witness.offset(url, file, Number(response.headers.get('upload-offset') ?? NaN))
  return answer('PATCH', response)
}

async function putPiece(
  { server, witness, file }: Scene,
  url: string,
  stretch: [start: number, end: number],
): Promise<Answer> {
  const bytes = bytesOf(file).subarray(...stretch)
  const response = await tus.place(server.url, url, stretch[0], bytes.length, bytes).catch(() => undefined)
  const length = response?.headers.get('upload-offset')
  if (response?.headers.get('content-location')) witness.success(file, url)
  else if (response?.status === 201) witness.placed(url, [stretch[0], stretch[0] + Number(length)])
  return answer('POST', response)
}

async function postForm({ server, witness, file }: Scene): Promise<Answer> {
  const bytes = formBytes({ head: filePart(file.filename), body: bytesOf(file) })
  const { status, reply } = await post(server.url, bytes, { query: { md5: file.md5 } }).catch(() => ({
    status: 0,
    reply: {},
  }))
  if (status === 200) witness.success(file)
  return { to: 'form', status, reply }
}

async function answer(to: string, response: Response | undefined): Promise<Answer> {
  const text = (await response?.text().catch(() => '')) ?? ''
  return { to, status: response?.status ?? 0, reply: parsed(text) }
}

function parsed(text: string): Answer['reply'] {
  try {
    return JSON.parse(text) as NonNullable<Answer['reply']>
  } catch {
    return undefined
  }
}

function inBursts(bytes: Uint8Array): ReadableStream {
  const half = bytes.length / 2
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(bytes.subarray(0, half))
      await pause(SLOWLY)
      controller.enqueue(bytes.subarray(half))
      controller.close()
    },
  })
}
