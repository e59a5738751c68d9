import { OUTBOX_COLUMNS } from '../contracts/columns.js'
import type { GapProposal } from '../contracts/proposal.js'
import type { WardbookError } from '../kernel/errors.js'
import { digestOf } from '../kernel/ids.js'
import { appendRows } from '../lake/append-rows.js'
import { DeltaTable } from '../lake/delta/table.js'
import { OUTBOX_PARTITION, tables } from '../lake/tables.js'
import { type IngestContext, nextSnapshot, type SourceWork } from './source-work.js'

/** Whether an error says something about the publication: not where the read never began, may succeed the next time, or the lake itself is broken. */
const isPublishers = ({ remedy, code }: WardbookError) =>
  (remedy === 'fix-source' && !code.startsWith('delta-')) || code === 'changed-during-read'

/**
 * Tells the ledger that a publication could not be read completely. One gap of a kind is told once for each snapshot it follows, however often
 * the read is tried.
 */
export async function proposeGap(
  context: IngestContext,
  work: SourceWork,
  error: WardbookError,
): Promise<void> {
  if (!isPublishers(error)) return
  await propose(context, work, error.code, error.message, error.code)
}

/** Tells the ledger which tables the portal does not list, although the city file expects them. */
export async function proposeMissing(
  context: IngestContext,
  work: SourceWork,
  missing: readonly string[],
): Promise<void> {
  for (const name of missing) {
    const message = `${work.datasetId}/${work.sourceId}: the portal lists no ${name}`
    await propose(context, work, 'dataset-missing', message, `dataset-missing ${name}`)
  }
}

async function propose(
  { clock, store }: IngestContext,
  work: SourceWork,
  code: string,
  message: string,
  identity: string,
): Promise<void> {
  const snapshot = nextSnapshot(await work.raw.snapshot()) - 1
  const { datasetId: dataset, sourceId: source } = work
  const id = digestOf({ kind: 'dataset.gap', dataset, source, identity, snapshot }).slice(0, 32)
  const now = clock().toISOString()
  const proposal: GapProposal = {
    ...{ kind: 'dataset.gap', id, dataset, source, time: now, knownAt: now, snapshot, code },
    message: message.slice(0, 1_000),
  }
  await appendRows(new DeltaTable(store, tables.outbox('ingest'), clock), {
    partition: { [OUTBOX_PARTITION[0]]: dataset },
    positions: [{ appId: `ingest-gap/${dataset}/${source}/${id}`, version: 0 }],
    columns: OUTBOX_COLUMNS,
    operation: 'PROPOSE',
    rows: async () => [{ kind: proposal.kind, id, division: 'citywide', body: JSON.stringify(proposal) }],
  })
}
