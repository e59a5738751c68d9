import { CITYWIDE, FINDINGS_COLUMNS } from '../contracts/columns.js'
import type { RecordedEvent } from '../contracts/event.js'
import type { Claim } from '../contracts/proposal.js'
import { WardbookError } from '../kernel/errors.js'
import { canonicalJson, type Json } from '../kernel/ids.js'
import type { Snapshot } from '../lake/delta/snapshot.js'
import type { Change, CommitResult, DeltaTable, NewFile, Position } from '../lake/delta/table.js'
import type { Engine } from '../lake/duckdb/engine.js'
import { type PlainRow, writeRows } from '../lake/duckdb/rows.js'
import { putPart } from '../lake/parts.js'
import { FINDINGS_PARTITION, tables, withPartition } from '../lake/tables.js'
import { stateOf } from './events.js'
import type { LogReader } from './log-reader.js'

const PROJECTED_EVENTS = 10_000 // events in memory at once; one commit each

/** appId of how many events of a log `findings/` shows. */
export function logAppId(log: string): string {
  return `ledger/${log}`
}

/**
 * appId of the first event that a projecting commit added. Two projectors that start from the same event, but know logs of
 * different length, would both add it; by this position the second is refused.
 */
function fromAppId(log: string): string {
  return `ledger/${log}/from`
}

/** Events that `findings/` shows already: [0, projected). */
export function projectedSize(findings: Snapshot | undefined, log: string): number {
  return Math.max(0, findings?.positions.get(logAppId(log)) ?? 0)
}

/** Where a projection works: an engine, and a local folder for its files. */
export interface Workbench {
  readonly engine: Engine
  readonly folder: string
}

/**
 * Shows the log's new events in `findings/`, in index order, one file a division and commit, and moves these positions with the
 * last commit. Parts are named by content and log size: doing it again after a crash leaves no second file.
 * @returns 'superseded' when another projector was faster: read `findings/` and plan again
 * @throws WardbookError 'ledger-shorter-than-view' (fix-source) when `findings/` shows events that the log does not have
 */
export async function projectEvents(
  table: DeltaTable,
  log: LogReader,
  bench: Workbench,
  positions: readonly Position[],
): Promise<CommitResult> {
  for (;;) {
    const base = await table.snapshot()
    const from = projectedSize(base, log.log)
    demandWhole(log, base)
    const to = Math.min(log.size, from + PROJECTED_EVENTS)
    const adds = await writeDivisions(table, log, bench, from, to)
    const moved = [
      { appId: logAppId(log.log), version: to },
      ...(to > from ? [{ appId: fromAppId(log.log), version: from }] : []),
      ...(to === log.size ? positions : []),
    ]
    const result = await table.commit(base, projectingChange(base, adds, moved))
    if (result.outcome === 'superseded' || to === log.size) return result
  }
}

/** An event as a row of `findings/`, with its division. Missing figures and attributes are null. */
export function findingsRow({ index, event }: RecordedEvent): { division: string; row: PlainRow } {
  const claim = event.data.claim as Claim | undefined
  const state = stateOf(event)
  const text = (name: string): string | null => {
    const value = event[name]
    return value === undefined ? null : String(value)
  }
  const row = {
    index,
    event_id: event.id,
    type: event.type,
    finding: state === undefined ? null : text('subject'),
    state: state ?? null,
    dataset: text('dataset'),
    category: text('category'),
    metric: text('metric'),
    direction: text('direction'),
    window_from: text('windowfrom'),
    window_to: text('windowto'),
    effect_ratio: claim?.ratio ?? null,
    q_value: claim?.qValue ?? null,
    severity: text('severity'),
    supersedes: text('supersedes'),
    time: event.time,
    knownat: event.knownat,
    recordedtime: text('recordedtime'),
    event: canonicalJson(event as Json),
  }
  return { division: text('division') ?? CITYWIDE, row }
}

async function writeDivisions(
  table: DeltaTable,
  log: LogReader,
  { engine, folder }: Workbench,
  from: number,
  to: number,
): Promise<NewFile[]> {
  const adds: NewFile[] = []
  let n = 0
  for (const [division, rows] of await rowsByDivision(log, from, to)) {
    const name = `findings-${from}-${n++}`
    const finished = await writeRows(engine, folder, name, rows, FINDINGS_COLUMNS, { division })
    if (finished) adds.push(await putPart(table.store, tables.findings(), to, finished))
  }
  return adds
}

async function rowsByDivision(log: LogReader, from: number, to: number): Promise<Map<string, PlainRow[]>> {
  const divisions = new Map<string, PlainRow[]>()
  for await (const event of log.events(from, to)) {
    const { division, row } = findingsRow(event)
    const rows = divisions.get(division)
    if (rows) rows.push(row)
    else divisions.set(division, [row])
  }
  return divisions
}

function projectingChange(base: Snapshot | undefined, adds: NewFile[], positions: Position[]): Change {
  const columns = withPartition(FINDINGS_COLUMNS, FINDINGS_PARTITION)
  return {
    operation: 'WRITE',
    ...(base === undefined ? { schema: { columns, partitionColumns: FINDINGS_PARTITION } } : {}),
    adds,
    positions,
  }
}

/**
 * A log that ends before what `findings/` has shown of it has lost segments: to append would begin another history.
 * @throws WardbookError 'ledger-shorter-than-view' (fix-source)
 */
export function demandWhole(log: LogReader, findings: Snapshot | undefined): void {
  const projected = projectedSize(findings, log.log)
  if (projected <= log.size) return
  throw new WardbookError(
    'ledger-shorter-than-view',
    'fix-source',
    `'${tables.findings()}' shows ${projected} events, but the log '${log.log}' ends after ${log.size}: ` +
      'its last segments are gone; bring them back from a copy',
    { log: log.log, projected, size: log.size },
  )
}
