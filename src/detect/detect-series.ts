import { CITYWIDE, OUTBOX_COLUMNS, TEST_COLUMNS } from '../contracts/columns.js'
import type { Proposal } from '../contracts/proposal.js'
import { dayNumber } from '../kernel/time.js'
import type { NewFile } from '../lake/delta/table.js'
import { type Engine, LEAN, withEngine } from '../lake/duckdb/engine.js'
import { type PlainRow, writeRows } from '../lake/duckdb/rows.js'
import { putPart } from '../lake/parts.js'
import type { ObjectStore, Scratch, StagedFile } from '../lake/store.js'
import { OUTBOX_PARTITION } from '../lake/tables.js'
import { createWorkspace, testPeriods } from '../stats/farrington-flexible.js'
import type { PeriodResult } from '../stats/period-result.js'
import type { DetectJob, DetectResult } from './detect-job.js'
import { judgeWeeks, type TestedSeries, type Verdict } from './judge-weeks.js'
import { type Grid, loadGrid, loadWeeklyCounts, type SeriesFiles } from './load-series.js'
import { detectorOptions, proposalsOf } from './proposals.js'

/**
 * The worker of detection: tests every week of every series of one dataset, corrects within each week's family, follows each series
 * through its windows, and writes all tests and proposals. Nothing is visible before the commits.
 */
export async function detectSeries(store: ObjectStore, job: DetectJob): Promise<DetectResult> {
  const scratch = await store.scratch()
  const staged: StagedFile[] = []
  try {
    return await withEngine(LEAN, scratch.folder, async (engine) => {
      const divisions = await stageSeries(store, job, staged)
      const grid = await loadGrid(engine, divisions, job.metric, job.sharedPages)
      const series = await testAll(engine, job, divisions, grid)
      const { verdicts, sizes } = judgeWeeks(series, grid.weeks.length, job.city.detect)
      const proposals = proposalsOf(job, grid, series, verdicts, sizes)
      const tests = await storeTests(store, engine, scratch, job, grid, series, verdicts)
      const outbox = await storeProposals(store, engine, scratch, job, proposals)
      return { tests, proposals: outbox, ...countsOf(proposals, sizes) }
    })
  } finally {
    for (const file of staged) await file.release()
    await scratch.remove()
  }
}

async function stageSeries(store: ObjectStore, job: DetectJob, staged: StagedFile[]): Promise<SeriesFiles[]> {
  const divisions: SeriesFiles[] = []
  for (const { division, series } of job.divisions) {
    const files: string[] = []
    for (const object of series) {
      const file = await store.stage(object)
      staged.push(file)
      files.push(file.file)
    }
    divisions.push({ division, files })
  }
  return divisions
}

async function testAll(
  engine: Engine,
  job: DetectJob,
  divisions: readonly SeriesFiles[],
  grid: Grid,
): Promise<TestedSeries[]> {
  const options = detectorOptions(job)
  const workspace = createWorkspace(grid.weeks.length)
  const firstDay = grid.weeks[0] === undefined ? 0 : dayNumber(grid.weeks[0])
  const tested: TestedSeries[] = []
  for (const files of divisions) {
    for (const { category, counts } of await loadWeeklyCounts(engine, files, job.metric, grid)) {
      const results = testPeriods({ counts, frequency: 52, firstDay }, 0, counts.length, options, workspace)
      tested.push({ division: files.division, category, results })
    }
  }
  return tested
}

/** One file a division with every test, also of weeks that could not be tested. */
async function storeTests(
  store: ObjectStore,
  engine: Engine,
  scratch: Scratch,
  job: DetectJob,
  grid: Grid,
  series: readonly TestedSeries[],
  verdicts: readonly (readonly (Verdict | undefined)[])[],
): Promise<NewFile[]> {
  const files: NewFile[] = []
  for (const { division } of job.divisions) {
    const rows = series.flatMap((one, index) =>
      one.division === division ? testRows(job, grid, one, verdicts[index] ?? []) : [],
    )
    const partition = { dataset: job.dataset, division }
    const finished = await writeRows(
      engine,
      scratch.folder,
      `tests-${files.length}`,
      rows,
      TEST_COLUMNS,
      partition,
    )
    if (finished !== undefined) files.push(await putPart(store, job.testsTable, job.made, finished))
  }
  return files
}

function testRows(
  job: DetectJob,
  grid: Grid,
  series: TestedSeries,
  verdicts: readonly (Verdict | undefined)[],
): PlainRow[] {
  return series.results.map((result, at) => ({
    metric: job.metric,
    category: series.category,
    week_on: grid.weeks[at] ?? null,
    observed: Number.isNaN(result.observed) ? null : result.observed,
    q_value: verdicts[at]?.qValue ?? null,
    outside: verdicts[at]?.outside ?? null,
    ...figuresOf(result),
  }))
}

function figuresOf(result: PeriodResult): PlainRow {
  if (!result.tested) return { untested_because: result.reason }
  return {
    expected: result.expected,
    lower: result.lower,
    upper: result.upper,
    dispersion: result.phi,
    baseline_weeks: result.baselinePeriods,
    p_value: result.pUpper,
  }
}

async function storeProposals(
  store: ObjectStore,
  engine: Engine,
  scratch: Scratch,
  job: DetectJob,
  proposals: readonly Proposal[],
): Promise<NewFile[]> {
  const rows = proposals.map((proposal): PlainRow => {
    const division = proposal.kind === 'finding' ? proposal.division : CITYWIDE
    return { kind: proposal.kind, id: proposal.id, division, body: JSON.stringify(proposal) }
  })
  const partition = { [OUTBOX_PARTITION[0]]: job.dataset }
  const finished = await writeRows(engine, scratch.folder, 'proposals', rows, OUTBOX_COLUMNS, partition)
  return finished === undefined ? [] : [await putPart(store, job.outboxTable, job.made, finished)]
}

function countsOf(proposals: readonly Proposal[], familySizes: readonly number[]) {
  const findings = proposals.filter((proposal) => proposal.kind === 'finding')
  const run = proposals.find((proposal) => proposal.kind === 'run')
  const states = new Map(findings.map(({ finding, state }) => [finding, state]))
  return {
    seriesTested: run?.seriesTested ?? 0,
    seriesUntested: run?.seriesUntested ?? 0,
    weeksTested: familySizes.filter((size) => size > 0).length,
    findings: states.size,
    open: [...states.values()].filter((state) => state !== 'ended').length,
  }
}
