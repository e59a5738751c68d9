// One writer: waits for 'go', then makes a number of commits, each rewriting the file of its division; a conflict plans again.
import { DeltaTable } from '../../../../dist/lake/delta/table.js'
import { openLocalStore } from '../../../../dist/lake/local/local-store.js'

const [base, root, division, commits, writer] = process.argv.slice(2)
const table = new DeltaTable(await openLocalStore(base), root)

async function rewrite(number) {
  let conflicts = 0
  for (;;) {
    const snapshot = await table.snapshot()
    const old = [...snapshot.files.values()].filter((file) => file.partition.division === division)
    const key = `division=${division}/${writer}-${number}.parquet`
    const add = { key, partition: { division }, size: 1, rows: 1, sha256: key, uncompressedBytes: 1 }
    try {
      const positions = [{ appId: writer, version: number }]
      await table.commit(snapshot, { operation: 'WRITE', adds: [add], removes: old, positions })
      return conflicts
    } catch (thrown) {
      if (thrown.code !== 'commit-conflict') throw thrown
      conflicts += 1
    }
  }
}

process.once('message', async () => {
  let conflicts = 0
  for (let number = 0; number < Number(commits); number++) conflicts += await rewrite(number)
  process.send({ conflicts }, () => process.exit(0))
})
process.send('ready')
