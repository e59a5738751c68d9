import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from '../src/kernel/ids.js'
import { DeltaTable } from '../src/lake/delta/table.js'
import { LEAN, withEngine } from '../src/lake/duckdb/engine.js'
import { scanFiles } from '../src/lake/duckdb/scan.js'
import type { ObjectStore } from '../src/lake/store.js'
import { LogReader } from '../src/ledger/log-reader.js'

/** What a lake holds, apart from when and in how many steps it got there: lines that can be compared. */
export interface World {
  /** `<table> <partition> <digest> <rows>` of each live file, or of all rows where a row tells a time of day. */
  readonly files: readonly string[]
  /** Canonical events in ledger order, without `recordedtime` and evidence versions. */
  readonly events: readonly string[]
}

/** Tables whose rows hold times of the run or versions of other tables: compared by their rows without these. */
const RECORD_TABLES = /^(runs|outbox|findings)(\/|$)/
const VOLATILE_COLUMNS: readonly string[] = ['read_at', 'recordedtime', 'snapshot', 'index']

/** The world of a lake. @param store unscoped */
export async function worldOf(store: ObjectStore): Promise<World> {
  const files: string[] = []
  for (const root of await tableRoots(store)) files.push(...(await linesOf(store, root)))
  return { files: files.sort(), events: await eventsOf(store) }
}

/** What differs between two worlds, in words; empty when they are the same. */
export function differencesOf(a: World, b: World): string[] {
  return [...missing('files', a.files, b.files), ...missing('events', a.events, b.events)]
}

/** True when both lakes tell the same. */
export function sameWorld(a: World, b: World): boolean {
  return differencesOf(a, b).length === 0
}

function missing(kind: string, a: readonly string[], b: readonly string[]): string[] {
  const only = (list: readonly string[], other: readonly string[], where: string) => {
    const known = new Set(other)
    return list
      .filter((line) => !known.has(line))
      .map((line) => `${kind} only in the ${where}: ${line.slice(0, 400)}`)
  }
  const order = a.length === b.length ? [] : [`${kind}: ${a.length} in the first, ${b.length} in the second`]
  return [...order, ...only(a, b, 'first'), ...only(b, a, 'second')]
}

async function tableRoots(store: ObjectStore): Promise<string[]> {
  const roots = new Set<string>()
  for await (const { key } of store.list('')) {
    const at = key.indexOf('/_delta_log/')
    if (at >= 0) roots.add(key.slice(0, at))
  }
  return [...roots].sort()
}

async function linesOf(store: ObjectStore, root: string): Promise<string[]> {
  const snapshot = await new DeltaTable(store, root).snapshot()
  if (snapshot === undefined) return []
  if (RECORD_TABLES.test(root)) return rowLines(store, root)
  return [...snapshot.files.values()].map(
    (file) => `${root} ${JSON.stringify(file.partition)} ${file.tags.sha256} ${file.rows}`,
  )
}

async function rowLines(store: ObjectStore, root: string): Promise<string[]> {
  const snapshot = await new DeltaTable(store, root).snapshot()
  if (snapshot === undefined) return []
  const scratch = await store.scratch()
  const scan = await scanFiles(store, root, snapshot)
  try {
    const rows = await withEngine(LEAN, scratch.folder, (engine) =>
      engine.rows<Record<string, Json>>(`SELECT * FROM ${scan.sql}`),
    )
    return rows.map((row) => `${root} ${digestOfRow(row)}`)
  } finally {
    await scan.release()
    await scratch.remove()
  }
}

function digestOfRow(row: Record<string, Json>): string {
  const kept = Object.entries(row).filter(([name]) => !VOLATILE_COLUMNS.includes(name))
  const stable = Object.fromEntries(kept.map(([name, value]) => [name, stableValue(name, value)]))
  return createHash('sha256').update(canonicalJson(stable)).digest('hex')
}

/** JSON inside a cell, without what tells when it was written or on which versions. */
function stableValue(name: string, value: Json): Json {
  if ((name !== 'body' && name !== 'event') || typeof value !== 'string') return value
  return stableEvent(JSON.parse(value) as Record<string, Json>)
}

function stableEvent(event: Record<string, Json>): Json {
  const { recordedtime: _time, snapshot: _snapshot, snapshots: _snapshots, ...rest } = event
  return JSON.parse(JSON.stringify(rest), (key, value) => (key === 'version' ? undefined : value)) as Json
}

async function eventsOf(store: ObjectStore): Promise<string[]> {
  const reader = await LogReader.open(store)
  const events: string[] = []
  if (reader === undefined) return events
  for await (const { event } of reader.events())
    events.push(canonicalJson(stableEvent({ ...event } as Record<string, Json>)))
  return events
}
