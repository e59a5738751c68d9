// One racer: creates names 0 to count - 1 of a local lake, waits for 'go', and tells which ones it created.
import { openLocalStore } from '../../../../dist/lake/local/local-store.js'

const [base, count, racer] = process.argv.slice(2)
const store = await openLocalStore(base)
process.once('message', async () => {
  const created = []
  for (let name = 0; name < Number(count); name++) {
    const told = await store.createIfAbsent(`raw/${name}`, new TextEncoder().encode(racer))
    if (told === 'created') created.push(name)
  }
  process.send(created, () => process.exit(0))
})
process.send('ready')
