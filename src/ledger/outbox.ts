import type { Stage } from '../contracts/message.js'
import { Proposal } from '../contracts/proposal.js'
import { WardbookError } from '../kernel/errors.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import type { Engine } from '../lake/duckdb/engine.js'
import { literal } from '../lake/duckdb/sql.js'
import type { ObjectStore } from '../lake/store.js'

/** Stages whose outboxes the ledger takes in, in this order: a publication comes before what rests on it. */
export const OUTBOX_STAGES = ['ingest', 'detect'] as const satisfies readonly Stage[]

const PAGE_ROWS = 1_000 // proposals in memory at once; a finding takes a few kilobytes

/** One commit of an outbox that the ledger has not taken in. */
export interface OutboxStep {
  /** Position of the ledger in this outbox once the step is done. */
  readonly version: number
  readonly files: readonly LiveFile[]
}

/**
 * The oldest commit of an outbox that lies after a position, or undefined when there is none. Commits without proposals are
 * passed over together with the last one that has some.
 */
export function nextOutboxStep(outbox: Snapshot | undefined, position: number): OutboxStep | undefined {
  if (outbox === undefined || outbox.version <= position) return undefined
  const fresh = [...outbox.files.values()].filter((file) => file.since > position)
  if (fresh.length === 0) return { version: outbox.version, files: [] }
  const oldest = Math.min(...fresh.map((file) => file.since))
  const files = fresh.filter((file) => file.since === oldest).sort((a, b) => (a.key < b.key ? -1 : 1))
  return { version: files.length === fresh.length ? outbox.version : oldest, files }
}

/**
 * Proposals of some files of an outbox, file by file in row order, at most 1,000 at a time.
 * @throws WardbookError 'proposal-broken' (report-bug) naming file and row
 */
export async function* readProposals(
  engine: Engine,
  store: ObjectStore,
  root: string,
  files: readonly LiveFile[],
): AsyncGenerator<Proposal[]> {
  for (const { key } of files) {
    const staged = await store.stage(`${root}/${key}`)
    try {
      yield* readPages(engine, staged.file, `${root}/${key}`)
    } finally {
      await staged.release()
    }
  }
}

async function* readPages(engine: Engine, file: string, key: string): AsyncGenerator<Proposal[]> {
  for (let from = 0; ; from += PAGE_ROWS) {
    const rows = await engine.rows<{ body: string }>(
      `SELECT body FROM read_parquet(${literal(file)}, hive_partitioning = false, file_row_number = true) ` +
        `WHERE file_row_number >= ${from} AND file_row_number < ${from + PAGE_ROWS} ORDER BY file_row_number`,
    )
    if (rows.length > 0) yield rows.map(({ body }, offset) => parseProposal(body, key, from + offset))
    if (rows.length < PAGE_ROWS) return
  }
}

function parseProposal(body: string, key: string, row: number): Proposal {
  try {
    return Proposal.parse(JSON.parse(body))
  } catch (cause) {
    throw new WardbookError(
      'proposal-broken',
      'report-bug',
      `row ${row} of '${key}' is no proposal that this release understands: update wardbook, or rerun the stage`,
      { key, row },
      { cause },
    )
  }
}
