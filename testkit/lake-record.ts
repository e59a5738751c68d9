import { createHash } from 'node:crypto'
import { DeltaTable } from '../src/lake/delta/table.js'
import { LEAN, withEngine } from '../src/lake/duckdb/engine.js'
import { scanFiles } from '../src/lake/duckdb/scan.js'
import type { ObjectStore } from '../src/lake/store.js'
import { LogReader } from '../src/ledger/log-reader.js'

/** One version of one table: how many rows, and the SHA-256 of all of them as sorted lines of JSON. */
export interface VersionRecord {
  readonly rows: number
  readonly sha256: string
}

/** What a lake holds, in a form that can lie beside it and be compared for years. */
export interface LakeRecord {
  /** By table, its versions from 0. */
  readonly tables: Readonly<Record<string, readonly VersionRecord[]>>
  readonly ledger: { readonly size: number; readonly root: string } | undefined
}

/** Reads every version of every table, and the end of the ledger. @param store unscoped */
export async function recordLake(store: ObjectStore): Promise<LakeRecord> {
  const tables: Record<string, VersionRecord[]> = {}
  for (const root of await tableRootsOf(store)) {
    const newest = (await new DeltaTable(store, root).snapshot())?.version ?? -1
    const versions: VersionRecord[] = []
    for (let version = 0; version <= newest; version++)
      versions.push(await recordVersion(store, root, version))
    tables[root] = versions
  }
  const log = await LogReader.open(store)
  return { tables, ledger: log && { size: log.size, root: log.root } }
}

/** Rows of one version of a table. @throws Error when there is no such version */
export async function recordVersion(
  store: ObjectStore,
  root: string,
  version: number,
): Promise<VersionRecord> {
  const snapshot = await new DeltaTable(store, root).snapshot(version)
  if (snapshot === undefined) throw new Error(`${root} has no version ${version}`)
  const scratch = await store.scratch()
  const scan = await scanFiles(store, root, snapshot)
  try {
    const lines = await withEngine(LEAN, scratch.folder, (engine) =>
      engine.rows<{ line: string }>(`SELECT to_json(r)::VARCHAR AS line FROM ${scan.sql} r ORDER BY line`),
    )
    const hash = createHash('sha256')
    for (const { line } of lines) hash.update(`${line}\n`)
    return { rows: lines.length, sha256: hash.digest('hex') }
  } finally {
    await scan.release()
    await scratch.remove()
  }
}

/** Roots of all tables of a lake, ascending. */
export async function tableRootsOf(store: ObjectStore): Promise<string[]> {
  const roots = new Set<string>()
  for await (const { key } of store.list('')) {
    const at = key.indexOf('/_delta_log/')
    if (at >= 0) roots.add(key.slice(0, at))
  }
  return [...roots].sort()
}
