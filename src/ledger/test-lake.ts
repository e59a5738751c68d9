import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OUTBOX_COLUMNS } from '../contracts/columns.js'
import type { LedgerEvent } from '../contracts/event.js'
import type {
  Claim,
  FindingProposal,
  Proposal,
  PublicationProposal,
  RunRecord,
} from '../contracts/proposal.js'
import { digestOf, eventId, findingId } from '../kernel/ids.js'
import { addDays, type Clock } from '../kernel/time.js'
import { DeltaTable } from '../lake/delta/table.js'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import { writeRows } from '../lake/duckdb/rows.js'
import { openLocalStore } from '../lake/local/local-store.js'
import { putPart } from '../lake/parts.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { OUTBOX_PARTITION, tables, withPartition } from '../lake/tables.js'
import { findingEvent } from './events.js'
import { Log, type LogOptions } from './log.js'

/** For tests of this folder: an empty lake, stages that propose, and stores that fail on command. */

export const CITY = 'testville'
export const ORIGIN = 'wardbook/testville/main'
export const NOON: Clock = () => new Date('2026-01-05T12:00:00.000Z')

/** An empty lake in a temporary folder; `remove` it when done. */
export async function makeLake(): Promise<{ store: ObjectStore; folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-ledger-'))
  const store = await openLocalStore(folder)
  return { store, folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** The log of a lake, through the ledger's own handle. */
export function openLog(store: ObjectStore, options: Partial<LogOptions> = {}): Promise<Log> {
  return Log.open({ store: scopeTo('ledger', store), origin: ORIGIN, clock: NOON, ...options })
}

/** A claim about one week with this many rows. */
export function claimOf(from: string, observed: number): Claim {
  return {
    from,
    to: addDays(from, 7),
    weeks: 1,
    observed,
    expected: 10.5,
    lower: 4,
    upper: 18,
    ratio: observed / 10.5,
    pValue: 0.001,
    qValue: 0.02,
    severity: 'medium',
    words: 'more-than-expected',
  }
}

/** A finding of one division's potholes as detection proposes it. */
export function proposeFinding(over: Partial<FindingProposal> = {}, observed = 30): FindingProposal {
  const { division = '7', onset = '2025-03-03', state = 'new', windowFrom = onset } = over
  const series = {
    division,
    dataset: 'requests',
    category: 'Pothole',
    metric: 'count',
    direction: 'up' as const,
  }
  const claim = over.claim ?? claimOf(windowFrom, observed)
  const finding = findingId({ city: CITY, ...series }, onset)
  return {
    kind: 'finding',
    id: eventId(finding, windowFrom, state, digestOf(claim)),
    finding,
    state,
    ...series,
    onset,
    windowFrom,
    windowTo: addDays(windowFrom, 7),
    time: `${addDays(windowFrom, 7)}T05:00:00.000Z`,
    knownAt: '2025-12-01T00:00:00.000Z',
    reconstructed: false,
    claim,
    evidence: {
      tables: [{ table: 'tidy/requests', version: 3 }],
      files: [{ path: 'part-1.parquet', sha256: 'ab'.repeat(32) }],
      sql: 'SELECT 1',
      rows: 30,
      detector: 'farrington-flexible',
      parameters: { alpha: 0.01 },
      dispersion: 1.2,
      baselineWeeks: 156,
      family: { id: 'family-1', size: 400 },
    },
    ...over,
  }
}

/** The record of a complete detection run over the year 2025. */
export function completeRun(id: string, snapshot = 1, over: Partial<RunRecord> = {}): RunRecord {
  const snapshots = { portal: snapshot }
  const span = { from: '2025-01-06', to: '2025-12-29' }
  return {
    kind: 'run',
    id,
    dataset: 'requests',
    metric: 'count',
    snapshots,
    ...span,
    seriesTested: 1,
    seriesUntested: 0,
    ...over,
  }
}

/** A raw commit of the dataset. */
export function publication(snapshot: number, over: Partial<PublicationProposal> = {}): PublicationProposal {
  return {
    kind: 'dataset.published',
    id: `publication-${snapshot}`,
    dataset: 'requests',
    source: 'portal',
    time: `2025-12-0${snapshot}T00:00:00.000Z`,
    knownAt: `2025-12-0${snapshot}T00:00:00.000Z`,
    snapshot,
    rows: 100,
    quarantined: 0,
    files: [{ url: 'https://example.org/a.csv', sha256: 'cd'.repeat(32), rows: 100 }],
    parts: [{ division: '7', sha256: 'ef'.repeat(32), rows: 100 }],
    ...over,
  }
}

/** Commits proposals to a stage's outbox, one file, in this order. */
export async function propose(
  store: ObjectStore,
  stage: 'ingest' | 'detect',
  proposals: readonly Proposal[],
): Promise<void> {
  const table = new DeltaTable(scopeTo(stage, store), tables.outbox(stage), NOON)
  const base = await table.snapshot()
  const rows = proposals.map((proposal) => ({
    kind: proposal.kind,
    id: proposal.id,
    division: 'division' in proposal ? proposal.division : 'citywide',
    body: JSON.stringify(proposal),
  }))
  const scratch = await table.store.scratch()
  const partition = { dataset: 'requests' }
  const columns = withPartition(OUTBOX_COLUMNS, OUTBOX_PARTITION)
  const finished = await withEngine(LEAN, scratch.folder, (engine) =>
    writeRows(engine, scratch.folder, 'outbox', rows, OUTBOX_COLUMNS, partition),
  )
  const made = (base?.version ?? -1) + 1
  const adds = finished ? [await putPart(table.store, table.root, made, finished)] : []
  const schema = base ? {} : { schema: { columns, partitionColumns: OUTBOX_PARTITION } }
  await table.commit(base, { operation: 'WRITE', adds, ...schema })
  await scratch.remove()
}

/** A small event; `n` tells events apart. */
export function anyEvent(n: number, observed = 30): LedgerEvent {
  const week = addDays('2020-01-06', 7 * n)
  return findingEvent(
    proposeFinding({ onset: week, id: `event-${n}` }, observed),
    `urn:wardbook:${CITY}:detect`,
  )
}

/** What happens to one write of a store. */
export type WriteFault = 'none' | 'fails-before' | 'fails-after' | 'reply-lost'

/**
 * A store whose writes fail as `faultOf` says, by their number from 0. `reply-lost`: the object is created, the caller is told 'exists',
 * as when a client repeats a request on its own.
 */
export function faultyStore(
  store: ObjectStore,
  faultOf: (write: number, key: string) => WriteFault,
): ObjectStore {
  let writes = 0
  return {
    ...bound(store),
    async createIfAbsent(key, content) {
      const fault = faultOf(writes++, key)
      if (fault === 'fails-before') throw new Error(`no write of ${key}`)
      const result = await store.createIfAbsent(key, content)
      if (fault === 'fails-after') throw new Error(`no reply for ${key}`)
      return fault === 'reply-lost' ? 'exists' : result
    },
  }
}

/** A store whose reads and writes the caller may hold up, to interleave writers. */
export function slowedStore(store: ObjectStore, pause: () => Promise<void>): ObjectStore {
  return {
    ...bound(store),
    async get(key) {
      await pause()
      return store.get(key)
    },
    async createIfAbsent(key, content) {
      await pause()
      return store.createIfAbsent(key, content)
    },
  }
}

function bound(store: ObjectStore): ObjectStore {
  return {
    address: store.address,
    get: (key) => store.get(key),
    getRange: (key, from, to) => store.getRange(key, from, to),
    stat: (key) => store.stat(key),
    createIfAbsent: (key, content) => store.createIfAbsent(key, content),
    put: (key, bytes) => store.put(key, bytes),
    list: (prefix, startAfter) => store.list(prefix, startAfter),
    delete: (key) => store.delete(key),
    stage: (key) => store.stage(key),
    scratch: () => store.scratch(),
  }
}

/** All of an async iterable. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
