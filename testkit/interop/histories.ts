import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commitKey, parseLogKey } from '../../src/lake/delta/log-files.js'
import { openLocalStore } from '../../src/lake/local/local-store.js'
import { keysOf } from '../lake-fixture.js'
import { asOne, type Comparison, compareTables } from './compare.js'
import { HISTORY_TABLE, LAST_VERSION, writeHistory } from './one-history.js'
import type { Verdict } from './verdict.js'

/** Commits after which the whole table is kept as it then was: none, the first, before, at and after a checkpoint, the last. */
const MOMENTS: readonly number[] = [0, 1, 19, 20, 21, LAST_VERSION]

/** One table, at moments of its history, at each version by number and by a shortened log, and below a checkpoint. */
export async function* histories(folder: string): AsyncIterable<Verdict> {
  const now = join(folder, 'now')
  const moments: Comparison[] = []
  await writeHistory(await openLocalStore(now), async (version) => {
    if (!MOMENTS.includes(version)) return
    const table = `after-${version}`
    await cp(join(now, HISTORY_TABLE), join(folder, table), { recursive: true })
    moments.push({ name: `after ${version} commits`, table })
  })
  yield* await compareTables(folder, moments)

  const versions = Array.from({ length: LAST_VERSION + 1 }, (_, version) => version)
  const byNumber = { name: 'by number', table: `after-${LAST_VERSION}`, versions }
  yield* asOne('each version by its number', await compareTables(folder, [byNumber]))

  const shortened: Comparison[] = []
  for (const version of versions) shortened.push(await shorten(folder, version))
  yield* asOne('each version by a log that ends there', await compareTables(folder, shortened))

  for (const [checkpoint, from] of [
    [40, 40],
    [40, 30],
    [20, 20],
  ] as const)
    yield* await cleanedUp(folder, checkpoint, from)
}

/** The table with the log up to a version, checkpoints included, and without the hint that names a later one. */
async function shorten(folder: string, last: number): Promise<Comparison> {
  const table = `up-to-${last}`
  await copyTable(folder, table)
  const store = await openLocalStore(folder)
  for (const key of await keysOf(store, `${table}/_delta_log/`)) {
    const version = parseLogKey(key)?.version ?? Number.POSITIVE_INFINITY // the hint
    if (version > last) await store.delete(key)
  }
  return { name: `up to version ${last}`, table }
}

/** Commits below a checkpoint are gone, as after a clean-up of the log by another engine. */
async function cleanedUp(folder: string, checkpoint: number, from: number): Promise<Verdict[]> {
  const table = `without-commits-below-${from}`
  await copyTable(folder, table)
  const store = await openLocalStore(folder)
  for (let version = 0; version < from; version++) await store.delete(commitKey(table, version))
  const left = Array.from({ length: LAST_VERSION - checkpoint + 1 }, (_, index) => checkpoint + index)
  const name = `commits below ${from} deleted`
  return [
    ...(await compareTables(folder, [{ name, table }])),
    ...asOne(
      `${name}, each version from ${checkpoint} on`,
      await compareTables(folder, [{ name, table, versions: left }]),
    ),
  ]
}

async function copyTable(folder: string, table: string): Promise<void> {
  await rm(join(folder, table), { recursive: true, force: true })
  await mkdir(join(folder, table), { recursive: true })
  await cp(join(folder, `after-${LAST_VERSION}`), join(folder, table), { recursive: true })
}
