/** `stock-client.ts FILE ENDPOINT`: tus-js-client with its own defaults for Node. Prints where the upload is. */
import { createReadStream, statSync } from 'node:fs'
import { Upload } from 'tus-js-client'

const [path, endpoint] = process.argv.slice(2)
const upload = new Upload(createReadStream(path!), {
  endpoint: endpoint!,
  uploadSize: statSync(path!).size,
  onSuccess: () => console.log(upload.url),
  onError(error) {
    console.error(error)
    process.exitCode = 1
  },
})
upload.start()
