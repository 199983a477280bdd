/** `stock-client.ts FILE ENDPOINT PARALLEL`: tus-js-client, else with its own defaults for Node. Prints where the upload is. */
import { createReadStream } from 'node:fs'
import { Upload } from 'tus-js-client'

const [path, endpoint, parallel] = process.argv.slice(2)
const upload = new Upload(createReadStream(path!), {
  endpoint: endpoint!,
  parallelUploads: Number(parallel),
  onSuccess: () => console.log(upload.url),
  onError(error) {
    console.error(error)
    process.exitCode = 1
  },
})
upload.start()
