// One writer: waits for 'go', then makes a number of commits, each replacing all files of its division by as many new ones; a
// conflict plans again.
import { DeltaTable } from '../../../../dist/lake/delta/table.js'
import { openLocalStore } from '../../../../dist/lake/local/local-store.js'

const [base, root, division, commits, writer, files] = process.argv.slice(2)
const table = new DeltaTable(await openLocalStore(base), root)

function fileOf(number, index) {
  const key = `division=${division}/${writer}-${number}-${index}.parquet`
  return { key, partition: { division }, size: 1, rows: 1, sha256: key, uncompressedBytes: 1 }
}

async function rewrite(number) {
  let conflicts = 0
  for (;;) {
    const snapshot = await table.snapshot()
    const removes = [...snapshot.files.values()].filter((file) => file.partition.division === division)
    const adds = Array.from({ length: Number(files) }, (_, index) => fileOf(number, index))
    const positions = [{ appId: writer, version: number }]
    try {
      await table.commit(snapshot, { operation: 'WRITE', adds, removes, positions })
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
