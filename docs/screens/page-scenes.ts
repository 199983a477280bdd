import { rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClientHome } from '../../test/support/client.js'
import { Gateway } from '../../test/support/gateway.js'
import { MIB } from '../../test/support/page-scene.js'
import { tus } from '../../test/support/tus.js'
import { atLeast, type Stage } from './page-stage.js'

const FILM = 412 * MIB
const [PHOTO, PHOTO_SIZE, CONTRACT_SIZE] = ['IMG_2041.jpg', 4_480_317, 1_834_211]
const HOUR = 3600_000

/** Each brings the page into the state that it is named after. */
export const SCENES = {
  empty: () => Promise.resolve(),
  dragging,
  hashing,
  sending,
  elsewhere,
  down,
  paused,
  failed,
  done,
  several,
  earlier,
  token,
} satisfies Record<string, (stage: Stage) => Promise<void>>

async function dragging(stage: Stage): Promise<void> {
  await stage.browser.drag(await stage.file(stage.words.film, MIB))
}

/** Of a size that the server may know, a big file is read before it is sent. */
async function hashing(stage: Stage): Promise<void> {
  const { scene, server, words } = stage
  const size = 3_612_000_000
  const path = join(scene.folder, words.build)
  await writeFile(path, '')
  await truncate(path, size)
  await tus.create(server.url, size, { md5: '0'.repeat(32) })
  await scene.choose(path)
  await stage.until(words.build, 'hashing', atLeast(30))
}

/** It goes on with what an earlier visit has brought. */
async function sending(stage: Stage): Promise<void> {
  const { film } = stage.words
  const path = await stage.send(film, FILM)
  await stage.sendOn(film, 22)
  await stage.visit()
  await stage.scene.choose(path)
  await stage.sendOn(film, 38)
}

async function elsewhere(stage: Stage): Promise<void> {
  const { build } = stage.words
  const path = await stage.file(build, 96 * MIB)
  const home = await ClientHome.create()
  stage.atEnd(() => home.remove())
  const sender = home.start([
    'upload',
    '-s',
    stage.server.address,
    '--hash-first',
    '--limit-rate',
    '12M',
    path,
  ])
  stage.atEnd(() => sender.kill('SIGKILL'))
  await stage.untilArriving()
  await stage.scene.choose(path)
  await stage.until(build, 'elsewhere', atLeast(57))
}

async function down(stage: Stage): Promise<void> {
  const { film } = stage.words
  await stage.send(film, FILM)
  await stage.sendOn(film, 61)
  await stage.server.kill()
  await stage.until(film, 'down', (status) => /[7-9] (s|秒)/.test(status))
}

async function paused(stage: Stage): Promise<void> {
  const { film, pause } = stage.words
  await stage.send(film, FILM)
  await stage.sendOn(film, 47)
  await stage.card(film).press(pause)
  await stage.until(film, 'paused')
}

/** The file goes away under the upload. */
async function failed(stage: Stage): Promise<void> {
  const { film } = stage.words
  const path = await stage.send(film, FILM)
  await stage.sendOn(film, 20)
  await rm(path)
  stage.line.cut()
  await stage.until(film, 'failed')
}

async function done(stage: Stage): Promise<void> {
  const { film, qr } = stage.words
  await stage.send(film, 76 * MIB)
  await stage.until(film, 'done')
  await stage.card(film).press(qr)
  await stage.card(film).locator.getByRole('img').waitFor()
}

async function several(stage: Stage): Promise<void> {
  const { film, build, contract, pause } = stage.words
  const photo = await stage.file(PHOTO, PHOTO_SIZE)
  await stage.upload(photo)
  stage.line.upRate = 30 * MIB
  await stage.send(build, 168 * MIB)
  await stage.until(build, 'sending', atLeast(40))
  await stage.card(build).press(pause)
  await stage.send(film, FILM)
  await stage.sendOn(film, 31)
  await stage.scene.choose(photo)
  await stage.until(PHOTO, 'done')
  await stage.send(contract, CONTRACT_SIZE)
  await stage.until(contract, 'done')
}

/** Links of the days before, and what was broken off. */
async function earlier(stage: Stage): Promise<void> {
  const { film, build, contract } = stage.words
  const { clock } = stage.browser.page
  const now = Date.now()
  for (const [hoursAgo, name, size] of [
    [74, contract, CONTRACT_SIZE],
    [3, build, 16 * MIB],
  ] as const) {
    await clock.setFixedTime(now - hoursAgo * HOUR)
    await stage.send(name, size)
    await stage.until(name, 'done')
  }
  await clock.setFixedTime(now)
  await stage.send(film, FILM)
  await stage.until(film, 'sending', atLeast(64))
  await stage.visit()
  await stage.browser.page.locator('.unfinished').waitFor()
  await stage.browser.page.locator('.history summary').click()
  await stage.browser.page.locator('.history li').first().waitFor()
}

/** A proxy before the server wants to know who comes; the page itself everybody gets. */
async function token(stage: Stage): Promise<void> {
  const gateway = await Gateway.to(stage.server.port)
  stage.atEnd(() => gateway.close())
  const isOpen = (url = '') => url === '/' || url.startsWith('/page/')
  gateway.refuses = ({ url, headers }) => (isOpen(url) || headers.authorization ? undefined : 401)
  await stage.browser.open(`http://127.0.0.1:${gateway.port}/`)
  await stage.send(stage.words.film, 12 * MIB)
  await stage.browser.page.locator('dialog[open]').waitFor()
}
