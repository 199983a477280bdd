/** `express-server.ts PORT FOLDER`: Express alone; its static files, and /constant, a route that returns a constant. */
import express from 'express'

const [port, folder] = process.argv.slice(2)
const app = express()
app.get('/constant', (_request, response) => {
  response.json({ status: 'notfound' })
})
app.use(express.static(folder!))
app.listen(Number(port), '127.0.0.1')
