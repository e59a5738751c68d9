import { type LedgerEvent, PUBLISHED_EVENT_TYPE } from '../contracts/event.js'
import { outboxAppId } from '../contracts/positions.js'
import type { Proposal } from '../contracts/proposal.js'
import { WardbookError } from '../kernel/errors.js'
import { DeltaTable } from '../lake/delta/table.js'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'
import { logFolder } from './layout.js'
import { LogReader } from './log-reader.js'
import { OUTBOX_STAGES, readProposals } from './outbox.js'
import { demandWhole, projectedSize } from './projection.js'

/** What the ledger's events, and the proposals on their way to it, rest on. */
export interface Citations {
  /** Versions by table. */
  readonly versions: ReadonlyMap<string, ReadonlySet<number>>
  /** SHA-256 of files, hexadecimal. */
  readonly digests: ReadonlySet<string>
  /** Snapshots of sources that were published, by `<dataset>/<source>`. */
  readonly snapshots: ReadonlyMap<string, ReadonlySet<number>>
  /** Datasets of events whose list of tables did not fit: which of their versions are cited is not known in full. */
  readonly unlisted: ReadonlySet<string>
}

/**
 * Collects what is cited. A whole pass over the log; memory grows with the number of different versions and files, not of events.
 * @param store any handle that may read `ledger/`, `findings/` and the outboxes
 * @throws WardbookError when the log cannot be read whole, so that nothing is ever taken for "not cited": 'ledger-file-broken',
 *   'ledger-segment-broken', 'ledger-chain-broken', 'ledger-shorter-than-view', 'ledger-newer-format', 'proposal-broken'
 */
export async function readCitations(store: ObjectStore): Promise<Citations> {
  const collector = new CitationCollector()
  const logs = await logNames(store)
  for (const log of logs) {
    const reader = await openWhole(store, log)
    for await (const { event } of reader.events()) collector.take(event)
  }
  await demandView(store, logs)
  await takeProposals(store, collector)
  return collector
}

/** Collects citations one event at a time. Whatever names a table's version or a SHA-256, wherever in its data, cites it. */
export class CitationCollector implements Citations {
  readonly versions = new Map<string, Set<number>>()
  readonly digests = new Set<string>()
  readonly snapshots = new Map<string, Set<number>>()
  readonly unlisted = new Set<string>()

  take({ type, dataset, data }: Pick<LedgerEvent, 'type' | 'data'> & { dataset?: unknown }): void {
    this.collect(data)
    if (data.tablesOmitted !== undefined) this.unlisted.add(String(dataset))
    if (type === PUBLISHED_EVENT_TYPE)
      this.publish(String(dataset), String(data.source), Number(data.snapshot))
  }

  /** A proposal becomes an event that cites the same. */
  propose(proposal: Proposal): void {
    this.collect(proposal)
    if (proposal.kind === 'dataset.published')
      this.publish(proposal.dataset, proposal.source, proposal.snapshot)
  }

  private publish(dataset: string, source: string, snapshot: number): void {
    addTo(this.snapshots, `${dataset}/${source}`, snapshot)
  }

  private collect(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    const { table, version, sha256 } = value as Record<string, unknown>
    if (typeof table === 'string' && typeof version === 'number') addTo(this.versions, table, version)
    if (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)) this.digests.add(sha256)
    for (const member of Object.values(value)) this.collect(member)
  }
}

function addTo(sets: Map<string, Set<number>>, key: string, value: number): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([value]))
  else set.add(value)
}

/** Folders below `ledger/`: every one of them must be a log that we can read. */
async function logNames(store: ObjectStore): Promise<string[]> {
  const names = new Set<string>()
  let after = ''
  for (;;) {
    const next = await firstKey(store, 'ledger/', after)
    if (next === undefined) return [...names]
    const name = next.split('/')[1] as string
    names.add(name)
    after = `ledger/${name}/\u{10FFFF}`
  }
}

async function firstKey(store: ObjectStore, prefix: string, after: string): Promise<string | undefined> {
  for await (const { key } of store.list(prefix, after)) return key
  return undefined
}

async function openWhole(store: ObjectStore, log: string): Promise<LogReader> {
  const reader = await LogReader.open(store, log)
  if (reader === undefined) {
    throw new WardbookError(
      'ledger-file-broken',
      'fix-source',
      `'${logFolder(log)}' holds objects and no description of a log, so what it cites is not known: bring it back from a copy`,
      { log },
    )
  }
  demandWhole(reader, await new DeltaTable(store, tables.findings()).snapshot())
  return reader
}

/** A view without its log: the log is gone, and nobody knows what it cites. */
async function demandView(store: ObjectStore, logs: readonly string[]): Promise<void> {
  const findings = await new DeltaTable(store, tables.findings()).snapshot()
  for (const appId of findings?.positions.keys() ?? []) {
    const log = /^ledger\/([^/]+)$/.exec(appId)?.[1]
    if (log === undefined || logs.includes(log) || projectedSize(findings, log) === 0) continue
    throw new WardbookError(
      'ledger-shorter-than-view',
      'fix-source',
      `'${tables.findings()}' shows events of the log '${log}', which is gone: bring it back from a copy`,
      { log, projected: projectedSize(findings, log), size: 0 },
    )
  }
}

/** What detection proposed and the ledger has not taken in yet is as good as cited. */
async function takeProposals(store: ObjectStore, collector: CitationCollector): Promise<void> {
  const findings = await new DeltaTable(store, tables.findings()).snapshot()
  for (const stage of OUTBOX_STAGES) {
    const root = tables.outbox(stage)
    const outbox = await new DeltaTable(store, root).snapshot()
    const taken = findings?.positions.get(outboxAppId(stage)) ?? -1
    const fresh = [...(outbox?.files.values() ?? [])].filter(({ since }) => since > taken)
    if (fresh.length === 0) continue
    const scratch = await store.scratch()
    try {
      await withEngine(LEAN, scratch.folder, async (engine) => {
        for await (const page of readProposals(engine, store, root, fresh)) {
          for (const proposal of page) collector.propose(proposal)
        }
      })
    } finally {
      await scratch.remove()
    }
  }
}
