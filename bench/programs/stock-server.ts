/** `stock-server.ts PORT FOLDER`: the stock tus server behind Express, as its own documentation has it. No hash. */
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'
import express from 'express'

const [port, directory] = process.argv.slice(2)
const tus = new Server({ path: '/tus', datastore: new FileStore({ directory: directory! }) })
const app = express()
app.all('/tus{/*id}', (request, response) => tus.handle(request, response))
app.listen(Number(port), '127.0.0.1')
