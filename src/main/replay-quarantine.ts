import type { CityFile } from '../contracts/city-file.js'
import { decisionKey, QuarantineDecision } from '../contracts/quarantine-decision.js'
import { newestDecisions, readDecision } from '../ingest/corrections.js'
import { WardbookError } from '../kernel/errors.js'
import { sha256Hex } from '../kernel/ids.js'
import type { Clock } from '../kernel/time.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import type { Correction } from './corrections-file.js'
import { chooseSources } from './list-quarantine.js'
import { type Failure, type PipelineParts, runSource } from './pipeline.js'
import { QuarantineTable } from './quarantine-table.js'

/** What came of a replay. */
export interface Replayed {
  /** Decisions that are new, and those that were there already. */
  readonly decided: number
  readonly known: number
  /** Rows of the source in quarantine because they cannot be read, before and after. */
  readonly before: number
  readonly after: number
  readonly failures: readonly Failure[]
}

/**
 * Keeps corrections as decisions, reads the source again with all that stand, and works off the stages. It may be killed anywhere: the next
 * replay, or the next run, goes on.
 * @throws WardbookError 'correction-names-no-row' (fix-config) before anything is written
 */
export async function replayQuarantine(
  parts: PipelineParts,
  dataset: string,
  source: string,
  corrections: readonly Correction[],
): Promise<Replayed> {
  const before = await unreadRows(parts.store, dataset, source)
  const kept = await keepCorrections(parts, dataset, source, corrections)
  const failures = await runSource({ ...parts, rereads: true }, dataset, source)
  return { ...kept, before, after: await unreadRows(parts.store, dataset, source), failures }
}

/**
 * Stores corrections as decisions. One that stands already is not stored again; another one about the same text takes its place.
 * @throws WardbookError 'correction-names-no-row' (fix-config) before anything is written
 */
export async function keepCorrections(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  dataset: string,
  source: string,
  corrections: readonly Correction[],
): Promise<{ readonly decided: number; readonly known: number }> {
  const own = scopeTo('serve', store)
  const standing = await newestDecisions(own, dataset, source)
  await demandRows(store, dataset, source, corrections, (id) => standing.has(id))
  let decided = 0
  for (const { rawText, correctedText } of corrections) {
    const last = standing.get(sha256Hex(rawText))
    if (last !== undefined && (await readDecision(own, last.key)).correctedText === correctedText) continue
    const decidedAt = clock().toISOString()
    await storeDecision(
      own,
      dataset,
      source,
      { v: 1, rawText, correctedText, decidedAt },
      (last?.revision ?? -1) + 1,
    )
    decided += 1
  }
  return { decided, known: corrections.length - decided }
}

/** A source that is read page by page, by its name. @throws WardbookError 'source-unknown', 'replay-needs-pages' (fix-config) */
export function choosePaged(city: CityFile, name: string): readonly [dataset: string, source: string] {
  const [dataset, source] = chooseSources(city, [name])[0] as [string, string]
  if (city.datasets[dataset]?.sources[source]?.family !== 'hive') return [dataset, source]
  const message = `${name} is adopted from Parquet files, which have no rows that cannot be read: there is nothing to replay`
  throw new WardbookError('replay-needs-pages', 'fix-config', message, { dataset, source })
}

/** Two people may decide at once: the later one takes the next revision. */
async function storeDecision(
  store: ObjectStore,
  dataset: string,
  source: string,
  decision: QuarantineDecision,
  first: number,
): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(QuarantineDecision.parse(decision))}\n`)
  for (let revision = first; ; revision++) {
    const key = decisionKey(dataset, source, decision.rawText, revision)
    if ((await store.createIfAbsent(key, bytes)) === 'created') return
    if ((await readDecision(store, key)).correctedText === decision.correctedText) return
  }
}

const BATCH_TEXTS = 500

async function demandRows(
  store: ObjectStore,
  dataset: string,
  source: string,
  corrections: readonly Correction[],
  isDecided: (id: string) => boolean,
): Promise<void> {
  const asked = corrections.map((correction) => ({ ...correction, id: sha256Hex(correction.rawText) }))
  const open = asked.filter(({ id }) => !isDecided(id))
  for (let from = 0; from < open.length; from += BATCH_TEXTS) {
    const batch = open.slice(from, from + BATCH_TEXTS)
    const ids = batch.map(({ id }) => id)
    const place = { stage: 'ingest', dataset, source } as const
    const found = await QuarantineTable.read(store, place, (table) => table.known(ids))
    const stray = batch.find(({ id }) => !found?.has(id))
    if (stray !== undefined) throw namesNoRow(dataset, source, stray)
  }
}

function namesNoRow(dataset: string, source: string, { line, rawText }: Correction): WardbookError {
  const message =
    `line ${line}: no row of ${dataset}/${source} that could not be read has this text: ${rawText.slice(0, 200)}. ` +
    'Take raw_text from wardbook quarantine list --json --rows; rows that could not be typed are corrected by the mapping'
  return new WardbookError('correction-names-no-row', 'fix-config', message, { dataset, source, line })
}

async function unreadRows(store: ObjectStore, dataset: string, source: string): Promise<number> {
  const place = { stage: 'ingest', dataset, source } as const
  const reasons = await QuarantineTable.read(store, place, (table) => table.reasons())
  return (reasons ?? []).reduce((sum, { rows }) => sum + rows, 0)
}
