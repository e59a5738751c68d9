import type { CityFile } from '../contracts/city-file.js'
import { CITYWIDE, UNASSIGNED } from '../contracts/columns.js'
import type { LedgerEvent } from '../contracts/event.js'
import { addDays, type Day } from '../kernel/time.js'
import { tables } from '../lake/tables.js'
import { evidenceColumns } from './evidence-columns.js'
import { type Period, periodOf, type WindowName } from './filter.js'
import { Kept } from './kept.js'
import { type FindingEvent, type FindingIndex, readFindings } from './read-findings.js'
import { type CountedRows, type RowSpan, readRows } from './read-rows.js'
import {
  type Coverage,
  type KnownSeries,
  readCoverage,
  readKnownSeries,
  readSeries,
  type Series,
} from './read-series.js'
import { readSources, type SourceFacts } from './read-sources.js'
import type { TableReader } from './table-reader.js'
import type { TableVersion, World } from './world.js'

/** A division's series are some megabytes as objects; so many divisions are kept at a time. */
const DIVISIONS_KEPT = 24
/** A span's 25 rows are some kilobytes; pages of different filters often show the same. */
const SPANS_KEPT = 1_000
/** Evidence rows that a page shows; all of them are in the CSV. */
export const ROWS_SHOWN = 25
/** Kept twice: requests of the last edition may still be under way when a new one begins. */
const EDITIONS_KEPT = 2

/** What was read from tables, by table version; editions share it. */
export class Shelf {
  readonly findings = new Kept<FindingIndex>(EDITIONS_KEPT)
  readonly coverage = new Kept<Coverage[]>(EDITIONS_KEPT)
  readonly knownSeries = new Kept<KnownSeries[]>(EDITIONS_KEPT)
  readonly sources = new Kept<SourceFacts[]>(EDITIONS_KEPT)
  readonly series = new Kept<Series[]>(DIVISIONS_KEPT)
  readonly shownRows = new Kept<CountedRows>(SPANS_KEPT)
}

/** A table's place and version, as pages and data name it. */
export interface NamedVersion {
  readonly table: string
  readonly version: number
}

/** Everything that is published as of one set of table versions. The same edition always gives the same answers. */
export class Edition {
  constructor(
    readonly city: CityFile,
    private readonly world: World,
    private readonly reader: TableReader,
    private readonly shelf: Shelf,
  ) {}

  /** Changes whenever a table does; answers may be kept under it. */
  get key(): string {
    return this.world.key
  }

  /** The tables that this edition is made from. */
  get versions(): NamedVersion[] {
    return [...this.world.tables.values()].map(({ root, snapshot }) => ({
      table: root,
      version: snapshot.version,
    }))
  }

  findings(): Promise<FindingIndex> {
    const table = this.world.tables.get(tables.findings())
    return this.shelf.findings.get(versionKey(table), () => readFindings(this.reader, table))
  }

  coverage(): Promise<Coverage[]> {
    const table = this.tests
    return this.shelf.coverage.get(versionKey(table), () => readCoverage(this.reader, table))
  }

  /** Every series that detection knows, by dataset, division, category and metric. */
  knownSeries(): Promise<KnownSeries[]> {
    const table = this.tests
    return this.shelf.knownSeries.get(versionKey(table), () => readKnownSeries(this.reader, table))
  }

  sources(): Promise<SourceFacts[]> {
    return this.shelf.sources.get(this.key, () => readSources(this.reader, this.world, this.city))
  }

  /** All series of a division. */
  series(division: string): Promise<Series[]> {
    const key = `${versionKey(this.tests)} ${division}`
    return this.shelf.series.get(key, () => readSeries(this.reader, this.tests, division))
  }

  /** The first masked rows of a span, for a page; none when the dataset has no rows yet. */
  shownRows(dataset: string, span: RowSpan): Promise<CountedRows> {
    const { division, category, from, to } = span
    const key = JSON.stringify([versionKey(this.tidy(dataset)), division, category, from, to])
    return this.shelf.shownRows.get(key, () => this.rows(dataset, span, ROWS_SHOWN))
  }

  /** Masked rows of a span, at most `limit`, and how many there are. */
  async rows(dataset: string, span: RowSpan, limit: number): Promise<CountedRows> {
    const table = this.tidy(dataset)
    const kind = this.city.datasets[dataset]?.kind
    if (kind === undefined) return { columns: [], rows: [], total: 0 }
    if (table === undefined) return { columns: evidenceColumns(kind), rows: [], total: 0 }
    return readRows(this.reader, table, kind, span, this.city.city.timeZone, limit)
  }

  /** Version of a dataset's harmonized table, or undefined before there is one. */
  tidyVersion(dataset: string): number | undefined {
    return this.tidy(dataset)?.snapshot.version
  }

  /** Rows of a dataset by division, from the table's log alone. */
  rowsByDivision(dataset: string): Map<string, number> {
    const snapshot = this.tidy(dataset)?.snapshot
    const column = snapshot?.partitionColumns[0] ?? ''
    const counts = new Map<string, number>()
    for (const { partition, rows } of snapshot?.files.values() ?? []) {
      const division = partition[column]
      if (division != null) counts.set(division, (counts.get(division) ?? 0) + (rows ?? 0))
    }
    return counts
  }

  /** The whole event as the ledger holds it, with its place; undefined when the read view has no such event. */
  async event(index: number): Promise<{ event: LedgerEvent; recordedAt: string } | undefined> {
    const table = this.world.tables.get(tables.findings())
    if (table === undefined) return undefined
    const [row] = await this.reader.rows<{ event: string; recordedAt: string }>(
      table,
      () => true,
      (scan) => `SELECT event, recordedtime AS "recordedAt" FROM ${scan} WHERE "index" = $1`,
      [index],
    )
    return row && { event: JSON.parse(row.event) as LedgerEvent, recordedAt: row.recordedAt }
  }

  /** Every division that the city file, the rows, the tests or the findings know; reserved values last. */
  async divisions(): Promise<string[]> {
    const [{ events }, coverage] = await Promise.all([this.findings(), this.coverage()])
    const fromRows = Object.keys(this.city.datasets).flatMap((dataset) => [
      ...this.rowsByDivision(dataset).keys(),
    ])
    const known = new Set([
      ...Object.keys(this.city.divisions.members),
      ...fromRows,
      ...coverage.map(({ division }) => division),
      ...events.map(({ division }) => division),
    ])
    return [...known].sort(compareDivisions)
  }

  /** The weeks that a window stands for, of one dataset or all; undefined when there is no data yet. */
  async period(since: WindowName, dataset: string | undefined): Promise<Period | undefined> {
    const [{ events }, coverage] = await Promise.all([this.findings(), this.coverage()])
    const covered = coverage.filter((part) => dataset === undefined || part.dataset === dataset)
    const claimed = events.filter((event) => dataset === undefined || event.dataset === dataset)
    const newest = latestDay([...covered.map(({ newestWeek }) => newestWeek), ...claimed.map(lastWeekOf)])
    if (newest === undefined) return undefined
    const starts = [...covered.map(({ oldestWeek }) => oldestWeek), ...claimed.flatMap(firstDayOf)]
    return periodOf(since, newest, starts.sort()[0] ?? newest)
  }

  private tidy(dataset: string): TableVersion | undefined {
    return this.world.tables.get(tables.tidy(dataset))
  }

  private get tests(): TableVersion | undefined {
    return this.world.tables.get(tables.runs('detect'))
  }
}

function versionKey(table: TableVersion | undefined): string {
  return table ? `${table.root}@${table.snapshot.metaData.id}:${table.snapshot.version}` : 'none'
}

function lastWeekOf({ claim }: FindingEvent): Day | null {
  return claim ? addDays(claim.to, -7) : null
}

function firstDayOf({ claim }: FindingEvent): Day[] {
  return claim ? [claim.from] : []
}

function latestDay(days: readonly (Day | null)[]): Day | undefined {
  return days.reduce<Day | undefined>(
    (latest, day) => (day && (!latest || day > latest) ? day : latest),
    undefined,
  )
}

const byNumberThenText = new Intl.Collator('en', { numeric: true })

function compareDivisions(a: string, b: string): number {
  const reserved = (value: string) => [UNASSIGNED, CITYWIDE].indexOf(value)
  return reserved(a) - reserved(b) || byNumberThenText.compare(a, b) || (a < b ? -1 : 1)
}
