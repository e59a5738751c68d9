import type { DatasetConfig } from '../contracts/city-file.js'
import { KINDS } from '../contracts/kinds.js'
import type { FamilyRecord, FindingProposal, Proposal, RunRecord } from '../contracts/proposal.js'
import { digestOf, eventId, findingId, type SeriesIdentity } from '../kernel/ids.js'
import { startOfDay } from '../kernel/time.js'
import { identifier, literal } from '../lake/duckdb/sql.js'
import { tables } from '../lake/tables.js'
import { type FarringtonOptions, PRODUCT_OPTIONS } from '../stats/farrington-options.js'
import type { TestedPeriod } from '../stats/period-result.js'
import { claimOf } from './claim.js'
import type { DetectDivision, DetectJob } from './detect-job.js'
import { type FindingStep, followSeries, type Window } from './follow-series.js'
import type { TestedSeries, Verdict } from './judge-weeks.js'
import { type Grid, weekEnd } from './load-series.js'

/** Name and version of the detector, as evidence and methods page say it. */
export const DETECTOR = 'farrington-flexible-nb-plugin/1'

/** A window that ended longer than this before the publication is history, computed afterwards. */
const RECONSTRUCTED_AFTER_MS = 14 * 86_400_000

/** The detector's options for a city: Farrington flexible as the product runs it, at the city file's alpha. */
export function detectorOptions(job: DetectJob): FarringtonOptions {
  return { ...PRODUCT_OPTIONS, alpha: job.city.detect.alpha }
}

/** Everything that detection says of one dataset: findings in order of their windows, then families, then the run itself. */
export function proposalsOf(
  job: DetectJob,
  grid: Grid,
  series: readonly TestedSeries[],
  verdicts: readonly (readonly (Verdict | undefined)[])[],
  familySizes: readonly number[],
): Proposal[] {
  const findings = series.flatMap((one, index) =>
    findingsOf(job, grid, one, verdicts[index] ?? [], familySizes),
  )
  findings.sort((a, b) => compare(a.windowFrom, b.windowFrom) || compare(a.finding, b.finding))
  return [...findings, ...familiesOf(job, grid, verdicts, familySizes), runOf(job, grid, series)]
}

function findingsOf(
  job: DetectJob,
  grid: Grid,
  series: TestedSeries,
  verdicts: readonly (Verdict | undefined)[],
  familySizes: readonly number[],
): FindingProposal[] {
  const windows = verdicts.map((verdict): Window => {
    return verdict ? { tested: true, ...verdict } : { tested: false, outside: false, qValue: 1, ratio: 1 }
  })
  return followSeries(windows).map((step) => findingOf(job, grid, series, verdicts, familySizes, step))
}

function findingOf(
  job: DetectJob,
  grid: Grid,
  series: TestedSeries,
  verdicts: readonly (Verdict | undefined)[],
  familySizes: readonly number[],
  step: FindingStep,
): FindingProposal {
  const { division, category } = series
  const identity: SeriesIdentity = {
    city: job.city.city.slug,
    division,
    dataset: job.dataset,
    category,
    metric: job.metric,
    direction: 'up',
  }
  const claim = claimOf(step, grid.weeks, series.results, verdicts)
  const windowFrom = grid.weeks[step.window] as string
  const onset = grid.weeks[step.onset] as string
  const finding = findingId(identity, onset)
  const week = series.results[step.window] as TestedPeriod
  return {
    kind: 'finding',
    id: eventId(finding, windowFrom, step.state, digestOf({ ...claim })),
    finding,
    state: step.state,
    division,
    dataset: job.dataset,
    category,
    metric: job.metric,
    direction: 'up',
    onset,
    windowFrom,
    windowTo: weekEnd(windowFrom),
    ...timesOf(job, windowFrom),
    claim,
    evidence: {
      tables: [...job.tables],
      files: [...evidenceOf(job, division).evidence],
      sql: evidenceSql(job, division, category, claim.from, claim.to),
      rows: claim.observed,
      detector: DETECTOR,
      parameters: parametersOf(job),
      dispersion: Number(week.phi.toPrecision(6)),
      baselineWeeks: week.baselinePeriods,
      family: { id: familyId(job, windowFrom), size: familySizes[step.window] ?? 0 },
    },
  }
}

/** `time`: the window was over. `knownAt`: the publication it rests on, or, for history, the end of the window. */
function timesOf(job: DetectJob, windowFrom: string) {
  const time = startOfDay(weekEnd(windowFrom), job.city.city.timeZone)
  const age = Date.parse(job.publishedAt) - Date.parse(time)
  const reconstructed = age > RECONSTRUCTED_AFTER_MS
  const knownAt = reconstructed || age < 0 ? time : job.publishedAt
  return { time, knownAt, reconstructed }
}

function evidenceOf(job: DetectJob, division: string): DetectDivision {
  return job.divisions.find((one) => one.division === division) as DetectDivision
}

/** The query whose rows are the finding's evidence, over the tidy table of the version given beside it. */
function evidenceSql(job: DetectJob, division: string, category: string, from: string, to: string): string {
  const { kind, partition } = job.city.datasets[job.dataset] as DatasetConfig
  const { category: label, on } = KINDS[kind]
  return (
    `SELECT * FROM ${identifier(tables.tidy(job.dataset))} WHERE ${identifier(partition.column)} = ${literal(division)} ` +
    `AND ${label} = ${literal(category)} AND ${on} >= DATE ${literal(from)} AND ${on} < DATE ${literal(to)}`
  )
}

function parametersOf(job: DetectJob): Record<string, string | number | boolean> {
  const options = { ...detectorOptions(job), ...job.city.detect }
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, Array.isArray(value) ? value.join(' in ') : value]),
  ) as Record<string, string | number | boolean>
}

function familiesOf(
  job: DetectJob,
  grid: Grid,
  verdicts: readonly (readonly (Verdict | undefined)[])[],
  familySizes: readonly number[],
): FamilyRecord[] {
  return grid.weeks.flatMap((week, at) => {
    const size = familySizes[at] ?? 0
    if (size === 0) return []
    const outside = verdicts.filter((list) => list[at]?.outside).length
    return [
      {
        kind: 'family',
        id: familyId(job, week),
        dataset: job.dataset,
        metric: job.metric,
        week,
        size,
        outside,
      },
    ]
  })
}

function familyId(job: DetectJob, week: string): string {
  return `${job.dataset}/${job.metric}/${week}`
}

function runOf(job: DetectJob, grid: Grid, series: readonly TestedSeries[]): RunRecord {
  const seriesTested = series.filter(({ results }) => results.some(({ tested }) => tested)).length
  const first = grid.weeks[0] ?? null
  const last = grid.weeks.at(-1)
  const body = { dataset: job.dataset, metric: job.metric, snapshots: job.snapshots }
  return {
    kind: 'run',
    id: digestOf({ run: body, detect: { ...job.city.detect } }).slice(0, 32),
    ...body,
    from: first,
    to: last === undefined ? null : weekEnd(last),
    seriesTested,
    seriesUntested: series.length - seriesTested,
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
