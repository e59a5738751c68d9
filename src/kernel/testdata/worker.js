// A worker as the product has them, which does what its job says.
import { serveJob } from '../../../dist/kernel/child.js'
import { WardbookError } from '../../../dist/kernel/errors.js'

serveJob(async ({ what, value }) => {
  if (what === 'answer') return value
  if (what === 'exit') process.exit(3)
  if (what === 'kill') process.kill(process.pid, 'SIGKILL')
  if (what === 'wait') await new Promise(() => setInterval(() => {}, 60_000))
  if (what === 'bug') throw new TypeError('no such property')
  throw new WardbookError('part-too-large', 'shrink', 'one key has too many rows', { key: '7', rows: 5 })
})
