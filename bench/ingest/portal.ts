import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A portal of one folder, in a process of its own: `GET /<file>`. It tells its port to its parent, and ends with it.
 */
const folder = process.argv[2] ?? '.'
const server = createServer((request, response) => {
  const file = `${folder}${request.url}`
  const { size, mtime } = statSync(file)
  response.writeHead(200, { 'content-length': size, 'last-modified': mtime.toUTCString(), etag: `"${size}"` })
  if (request.method === 'HEAD') response.end()
  else createReadStream(file, { highWaterMark: 1 << 20 }).pipe(response)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit(0))
