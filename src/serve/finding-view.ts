import { Evidence } from '../contracts/proposal.js'
import { addDays } from '../kernel/time.js'
import { catalogFor } from '../words/sentences.js'
import type { DrawnSeries, ShownRows } from './division-view.js'
import type { Edition, NamedVersion } from './edition.js'
import { divisionFacts, eventLine, type FindingLine, lineOf } from './finding-line.js'
import type { Finding } from './read-findings.js'
import type { CountedRows, RowSpan } from './read-rows.js'
import type { SourceFacts } from './read-sources.js'
import { seriesKey, weeksBetween } from './series-view.js'

/** Proof that the ledger of `size` events with this root holds the event (RFC 6962 inclusion proof), hexadecimal. */
export interface Receipt {
  readonly index: number
  readonly size: number
  readonly leafHash: string
  readonly root: string
  readonly proof: string[]
}

/** Gives the receipt of an event; undefined when the ledger holds no such event (yet). */
export type ReceiptOf = (index: number) => Promise<Receipt | undefined>

/** One event in a finding's history, with the figures that held then. */
export interface HistoryLine extends FindingLine {
  readonly event_id: string
  /** When the ledger took it. */
  readonly recorded_at: string
  /** When it could be known: the publication it rests on. */
  readonly known_at: string
  /** True when a later event replaced it. */
  readonly replaced: boolean
}

/** A finding's permanent page. */
export interface FindingView {
  readonly finding: FindingLine
  readonly divisionTitle: string
  /** Newest first. */
  readonly history: readonly HistoryLine[]
  readonly series: DrawnSeries | undefined
  readonly rows: ShownRows
  /** Version of the table that the rows were read from now. */
  readonly rowsVersion: number | undefined
  readonly evidence: Evidence | undefined
  /** Files that the ledger's event had no room to list; a digest in the event binds them. */
  readonly filesOmitted: number
  readonly receipt: Receipt | undefined
  readonly sources: readonly SourceFacts[]
  readonly versions: readonly NamedVersion[]
}

const WEEKS_BEFORE = 104
const WEEKS_AFTER = 26

/** @returns undefined when there is no such finding */
export async function viewFinding(
  edition: Edition,
  id: string,
  receiptOf: ReceiptOf | undefined,
): Promise<FindingView | undefined> {
  const finding = (await edition.findings()).byId.get(id)
  if (finding === undefined) return undefined
  const { newest } = finding
  const span = spanOf(finding)
  const [counted, sources, held, series, receipt] = await Promise.all([
    edition.shownRows(newest.dataset, span),
    edition.sources(),
    evidenceOf(edition, finding),
    drawFinding(edition, finding),
    receiptOf?.(newest.index),
  ])
  return {
    finding: lineOf(edition.city, finding),
    divisionTitle: catalogFor(edition.city.city.locale).divisionTitle(
      divisionFacts(edition.city, newest.division),
    ),
    history: historyOf(edition, finding),
    series,
    rows: {
      ...counted,
      metric: newest.metric,
      category: span.category,
      from: span.from,
      to: span.to,
      finding: id,
    },
    rowsVersion: edition.tidyVersion(newest.dataset),
    ...held,
    receipt,
    sources: sources.filter(({ dataset }) => dataset === newest.dataset),
    versions: edition.versions,
  }
}

/**
 * A finding's evidence rows, all of them.
 * @param demandExportable is given their number before they are read, and throws when there are too many
 * @returns undefined when there is no such finding
 */
export async function findingRows(
  edition: Edition,
  id: string,
  demandExportable: (rows: number) => void,
): Promise<CountedRows | undefined> {
  const finding = (await edition.findings()).byId.get(id)
  if (finding === undefined) return undefined
  const { dataset } = finding.newest
  const span = spanOf(finding)
  const { total } = await edition.shownRows(dataset, span)
  demandExportable(total)
  return edition.rows(dataset, span, Math.max(1, total))
}

function spanOf({ newest, claim }: Finding): RowSpan {
  return { division: newest.division, category: newest.category, from: claim.from, to: claim.to }
}

function historyOf(edition: Edition, { events, claim }: Finding): HistoryLine[] {
  const replaced = new Set(events.map(({ supersedes }) => supersedes))
  return events.toReversed().map((event) => ({
    ...eventLine(edition.city, event, event.claim ?? claim),
    event_id: event.eventId,
    recorded_at: event.recordedAt,
    known_at: event.knownAt,
    replaced: replaced.has(event.eventId),
  }))
}

/** Evidence of the newest event that has any: a withdrawal repeats the claim but rests on nothing. */
async function evidenceOf(
  edition: Edition,
  { events, newest }: Finding,
): Promise<{ evidence: Evidence | undefined; filesOmitted: number }> {
  const claiming =
    newest.state === 'withdrawn' ? events.findLast(({ state }) => state !== 'withdrawn') : newest
  const stored = claiming && (await edition.event(claiming.index))
  const { evidence, filesOmitted } = stored?.event.data ?? {}
  return { evidence: Evidence.safeParse(evidence).data, filesOmitted: Number(filesOmitted ?? 0) }
}

async function drawFinding(edition: Edition, { newest, claim }: Finding): Promise<DrawnSeries | undefined> {
  const key = seriesKey(newest)
  const series = (await edition.series(newest.division)).find((one) => seriesKey(one) === key)
  if (series === undefined) return undefined
  const from = addDays(claim.to, -7 * WEEKS_BEFORE)
  const to = addDays(claim.to, 7 * WEEKS_AFTER)
  return {
    key,
    division: newest.division,
    dataset: series.dataset,
    category: series.category,
    metric: series.metric,
    weeks: weeksBetween(series.weeks, from, to),
    marked: { from: claim.from, to: claim.to },
  }
}
