import { execFileSync } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { DeltaTable } from '../../src/lake/delta/table.js'
import { openLocalStore } from '../../src/lake/local/local-store.js'
import { migrateLake } from '../../src/main/migrate-lake.js'
import { tableRootsOf } from '../lake-record.js'
import { writePocketMirror } from '../pocket-mirror.js'
import { writeAwkwardCity } from './cities.js'
import { asOne, type Comparison, compareTables } from './compare.js'
import type { Verdict } from './verdict.js'

const COMMAND = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'bin.js')
const KEPT = join(import.meta.dirname, '..', 'lakes', 'format-1', 'lake')

/** Every table of whole lakes, at every version: of the simulated city, of an awkward one, and one that was migrated. */
export async function* wholeLakes(folder: string): AsyncIterable<Verdict> {
  for (const [name, city] of Object.entries({
    pocket: await writePocketMirror(folder),
    awkward: await writeAwkwardCity(folder),
  })) {
    const lake = join(folder, `lake-${name}`)
    const flags = ['--mirror', city.mirror, '--lake', lake, '--quiet']
    execFileSync(process.execPath, [COMMAND, 'run', city.cityFile, ...flags], { stdio: 'ignore' })
    yield* everyVersion(name, lake)
  }
  const migrated = join(folder, 'lake-migrated')
  await cp(KEPT, migrated, { recursive: true })
  await migrateLake(await openLocalStore(migrated))
  yield* newest('migrated', migrated)
}

/** The newest version of each table as such, and each version by its number; one process of the other engine reads them all. */
export async function* everyVersion(name: string, lake: string): AsyncIterable<Verdict> {
  yield* newest(name, lake)
  const store = await openLocalStore(lake)
  const comparisons: Comparison[] = []
  for (const table of await tableRootsOf(store)) {
    const last = (await new DeltaTable(store, table).snapshot())?.version ?? -1
    const versions = Array.from({ length: last + 1 }, (_, version) => version)
    comparisons.push({ name: `${name} ${table}`, table, versions })
  }
  const verdicts = await compareTables(lake, comparisons)
  for (const { name: title, versions = [] } of comparisons)
    yield* asOne(title, verdicts.splice(0, versions.length))
}

async function* newest(name: string, lake: string): AsyncIterable<Verdict> {
  const tables = await tableRootsOf(await openLocalStore(lake))
  yield* await compareTables(
    lake,
    tables.map((table) => ({ name: `${name} ${table}`, table })),
  )
}
