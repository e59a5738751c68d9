import { z } from 'zod'
import type { CityFile, DatasetConfig } from '../contracts/city-file.js'
import { OUTBOX_COLUMNS, TEST_COLUMNS } from '../contracts/columns.js'
import { KINDS } from '../contracts/kinds.js'
import type { PartRunner } from '../contracts/part-runner.js'
import { configDigests, divisionPositions, positionId, reachedVersion } from '../contracts/positions.js'
import type { Report } from '../contracts/progress.js'
import type { Clock } from '../kernel/time.js'
import type { Snapshot } from '../lake/delta/snapshot.js'
import { DeltaTable, type Position } from '../lake/delta/table.js'
import { partitionValues } from '../lake/partitions.js'
import { schemaChange } from '../lake/schema-change.js'
import type { ObjectStore } from '../lake/store.js'
import { OUTBOX_PARTITION, TESTS_PARTITION, tables } from '../lake/tables.js'
import { tendTable } from '../lake/tend-table.js'
import { type Reached, type Upstream, waitingFor } from './barrier.js'
import type { DetectDivision, DetectJob, DetectResult } from './detect-job.js'

/** What detection works with; the store handle is scoped to `detect`. */
export interface DetectContext {
  readonly store: ObjectStore
  readonly city: CityFile
  readonly runner: PartRunner
  readonly clock: Clock
  readonly report: Report
}

/** What came of it: `waiting` names the divisions that have not reached the same raw versions yet. */
export type DetectOutcome =
  | { readonly outcome: 'detected' | 'unchanged' }
  | { readonly outcome: 'waiting'; readonly waiting: readonly string[] }

/**
 * Tests all series of a dataset, once every division has reached the same raw versions, and proposes findings.
 * Tests go to `runs/detect/`, proposals with their families to `outbox/detect/`; the outbox holds the position.
 */
export async function detectDataset(context: DetectContext, datasetId: string): Promise<DetectOutcome> {
  const upstream = await readUpstream(context, datasetId)
  if (upstream === undefined) return { outcome: 'waiting', waiting: [datasetId] }
  const waiting = waitingFor(upstream.raws, upstream.reached)
  if (waiting.length > 0) {
    step(context, datasetId, `waits for ${waiting.length} divisions: ${waiting.slice(0, 5).join(', ')}`, {
      waiting,
    })
    return { outcome: 'waiting', waiting }
  }
  const positions = positionsOf(context, datasetId, upstream.raws)
  const outbox = new DeltaTable(context.store, tables.outbox('detect'), context.clock)
  if (reaches(await outbox.snapshot(), positions)) {
    step(context, datasetId, 'unchanged: all series are tested', {})
    return { outcome: 'unchanged' }
  }
  const job = await jobOf(context, datasetId, upstream)
  const result = await context.runner.run<DetectJob, DetectResult>('detect.test', job)
  await commitTests(context, datasetId, result, positions)
  await commitProposals(outbox, result, positions)
  report(context, datasetId, result)
  return { outcome: 'detected' }
}

interface UpstreamState {
  readonly raws: readonly (Upstream & { readonly table: DeltaTable })[]
  readonly reached: readonly Reached[]
  readonly series: Snapshot
  readonly tidy: Snapshot
}

async function readUpstream(context: DetectContext, datasetId: string): Promise<UpstreamState | undefined> {
  const { store, city, clock } = context
  const dataset = city.datasets[datasetId] as DatasetConfig
  const series = await new DeltaTable(store, tables.series(datasetId), clock).snapshot()
  const tidy = await new DeltaTable(store, tables.tidy(datasetId), clock).snapshot()
  if (series === undefined || tidy === undefined) return undefined
  const digest = configDigests(city, datasetId).measure
  const raws: (Upstream & { table: DeltaTable })[] = []
  const reached: Reached[] = []
  for (const source of Object.keys(dataset.sources)) {
    const table = new DeltaTable(store, tables.raw(datasetId, source), clock)
    const raw = await table.snapshot()
    if (raw === undefined) return undefined // a dataset is compared whole or not at all
    const divisions = partitionValues(raw, dataset.partition.column)
    raws.push({ source, version: await table.progressVersion(raw), divisions, table })
    const scope = { stage: 'measure', dataset: datasetId, source, digest } as const
    reached.push(...divisionPositions(series.positions, scope).map((position) => ({ source, ...position })))
  }
  return { raws, reached, series, tidy }
}

async function jobOf(context: DetectContext, datasetId: string, upstream: UpstreamState): Promise<DetectJob> {
  const { city } = context
  const { raws, series, tidy } = upstream
  const { kind } = city.datasets[datasetId] as DatasetConfig
  return {
    city,
    dataset: datasetId,
    metric: KINDS[kind].metric,
    testsTable: tables.runs('detect'),
    outboxTable: tables.outbox('detect'),
    divisions: divisionsOf(city, datasetId, series, tidy),
    tables: [
      ...raws.map(({ table, version }) => ({ table: table.root, version })),
      { table: tables.tidy(datasetId), version: tidy.version },
      { table: tables.series(datasetId), version: series.version },
    ],
    ...(await publicationOf(context, raws)),
    made: Math.max(...raws.map(({ version }) => version)),
  }
}

function divisionsOf(city: CityFile, datasetId: string, series: Snapshot, tidy: Snapshot): DetectDivision[] {
  const column = city.datasets[datasetId]?.partition.column ?? ''
  const at = (snapshot: Snapshot, division: string) =>
    [...snapshot.files.values()].filter((file) => file.partition[column] === division)
  return partitionValues(series, column).map((division) => ({
    division,
    series: at(series, division).map(({ key }) => `${tables.series(datasetId)}/${key}`),
    evidence: at(tidy, division).map(({ key, tags }) => ({
      path: `${tables.tidy(datasetId)}/${key}`,
      sha256: tags.sha256 ?? '',
    })),
  }))
}

/**
 * What the raw commits say of the snapshots: their numbers by source, which of their pages came from one table, and when the newest of them was
 * published.
 */
async function publicationOf(context: DetectContext, raws: UpstreamState['raws']) {
  const snapshots: Record<string, number> = {}
  const sharedPages: Record<string, number[][]> = {}
  const instants: string[] = []
  for (const { source, table, version } of raws) {
    for (let at = version; at >= 0; at--) {
      const { snapshot, publishedAt, pages } = (await table.commitRecord(at))?.provenance ?? {}
      if (typeof snapshot !== 'number' || typeof publishedAt !== 'string') continue
      snapshots[source] = snapshot
      const shared = sharedPagesOf(pages)
      if (shared.length > 0) sharedPages[source] = shared
      instants.push(publishedAt)
      break
    }
  }
  return { snapshots, sharedPages, publishedAt: instants.sort().at(-1) ?? context.clock().toISOString() }
}

const PageOffers = z.array(z.object({ page: z.int(), offer: z.int().optional() })).catch([])

/** Pages of one table, where there are several of them. Commits of earlier releases do not say which table a page is of. */
function sharedPagesOf(pages: unknown): number[][] {
  const byOffer = new Map<number, number[]>()
  for (const { page, offer } of PageOffers.parse(pages))
    if (offer !== undefined) byOffer.set(offer, [...(byOffer.get(offer) ?? []), page])
  return [...byOffer.values()].filter(({ length }) => length > 1)
}

function positionsOf({ city }: DetectContext, dataset: string, raws: readonly Upstream[]): Position[] {
  const digest = configDigests(city, dataset).detect
  return raws.map(({ source, version }) => ({
    appId: positionId({ stage: 'detect', dataset, source, digest }),
    version,
  }))
}

function reaches(snapshot: Snapshot | undefined, positions: readonly Position[]): boolean {
  return positions.every(({ appId, version }) => reachedVersion(snapshot?.positions, appId) >= version)
}

async function commitTests(
  { store, clock }: DetectContext,
  datasetId: string,
  result: DetectResult,
  positions: readonly Position[],
): Promise<void> {
  const table = new DeltaTable(store, tables.runs('detect'), clock)
  const base = await table.snapshot()
  if (reaches(base, positions)) return // an earlier run was killed between its two commits
  await table.commit(base, {
    operation: 'RECORD TESTS',
    ...schemaChange(base, TEST_COLUMNS, TESTS_PARTITION),
    removes: [...(base?.files.values() ?? [])].filter((file) => file.partition.dataset === datasetId),
    adds: result.tests,
    positions,
  })
}

async function commitProposals(
  outbox: DeltaTable,
  result: DetectResult,
  positions: readonly Position[],
): Promise<void> {
  const base = await outbox.snapshot()
  if (reaches(base, positions)) return // another run was faster
  await outbox.commit(base, {
    operation: 'PROPOSE',
    ...schemaChange(base, OUTBOX_COLUMNS, OUTBOX_PARTITION),
    adds: result.proposals,
    positions,
  })
  await tendTable(outbox, base)
}

function report(context: DetectContext, datasetId: string, result: DetectResult): void {
  const { seriesTested, seriesUntested, weeksTested, findings, open } = result
  const untested = seriesUntested > 0 ? `, ${seriesUntested} have too little history` : ''
  const message = `tested ${seriesTested} series over ${weeksTested} weeks${untested}: ${findings} findings, ${open} open`
  step(context, datasetId, message, { seriesTested, seriesUntested, weeksTested, findings, open })
}

function step(
  context: DetectContext,
  dataset: string,
  message: string,
  facts: Record<string, unknown>,
): void {
  context.report({ stage: 'detect', dataset, message, facts })
}
